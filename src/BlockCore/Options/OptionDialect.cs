namespace BlockGraph.BlockCore.Options;

/// <summary>How option values are converted and mistakes are told: the grammar of numbers is one, the words are two.</summary>
public enum OptionDialect
{
    /// <summary>As for nodes and devices: any text is converted, and <c>Parameter 'X' expects a number</c>. <i>QEMU: QemuOpts.</i></summary>
    Opts,

    /// <summary>As for objects: text is converted where everything is text, and <c>Parameter 'X' expects integer</c>. <i>QEMU: the QAPI input visitors.</i></summary>
    Qapi,
}
