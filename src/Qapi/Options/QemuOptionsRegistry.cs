using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Qapi.Options;

/// <summary>The sets of options of one kind, such as all drives; ids are unique among them. <i>QEMU: QemuOptsList.</i></summary>
/// <param name="name">What the kind is called in error texts, such as <c>drive</c>.</param>
/// <param name="impliedKey">The name of a first item that is a bare value; null where none may be.</param>
public sealed class QemuOptionsRegistry(string name, string? impliedKey = null)
{
    private readonly List<QemuOptions> _sets = [];

    /// <summary>The sets, in the order given.</summary>
    public IReadOnlyList<QemuOptions> Sets => _sets;

    /// <summary>Parses <paramref name="text"/> and keeps the result.</summary>
    /// <param name="text">The option string.</param>
    /// <param name="warn">Told of every deprecated bare flag; null where flags are fine.</param>
    /// <exception cref="BlockException">The id is malformed or taken; nothing is kept then.</exception>
    public QemuOptions Add(string text, Action<OptionWarning>? warn = null)
    {
        QemuOptions options = QemuOptsParser.Parse(text, impliedKey, warn);
        if (options.Id is not null && Find(options.Id) is not null)
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Duplicate ID '{options.Id}' for {name}");
        }

        _sets.Add(options);
        return options;
    }

    /// <summary>The set with <paramref name="id"/>, or null.</summary>
    public QemuOptions? Find(string id) => _sets.Find(s => s.Id == id);
}
