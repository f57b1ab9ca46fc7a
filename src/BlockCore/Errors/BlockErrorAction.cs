namespace BlockGraph.BlockCore.Errors;

/// <summary>What is done about one failed request. <i>QEMU: BlockErrorAction.</i></summary>
public enum BlockErrorAction
{
    /// <summary>Whoever made the request hears of the failure.</summary>
    Report,

    /// <summary>The request counts as done.</summary>
    Ignore,

    /// <summary>Everything stops until somebody lets it go on.</summary>
    Stop,
}
