using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// Reads the older grammar of <c>--image-opts</c>, <c>-drive</c> and <c>-o</c>: one flat level, dots mean nothing,
/// <c>,,</c> in a value is a comma, and a bare <c>foo</c> or <c>nofoo</c> is <c>foo=on</c> or <c>foo=off</c>.
/// Repeated names are all kept. <i>QEMU: qemu_opts_parse().</i>
/// </summary>
public static class QemuOptsParser
{
    private const string Id = "id";

    /// <summary>The options in <paramref name="text"/>.</summary>
    /// <param name="text">The option string. Names may be empty; a comma always ends a name.</param>
    /// <param name="impliedKey">The name of a first item that is a bare value, <c>,,</c> included; null where none may be.</param>
    /// <param name="warn">Told of every bare flag, which is deprecated; null where flags are fine (<c>-o</c>).</param>
    /// <exception cref="BlockException">The first <c>id</c> is not an identifier; nothing was warned of then.</exception>
    public static QemuOptions Parse(string text, string? impliedKey = null, Action<OptionWarning>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        QemuOptions options = new();
        List<OptionWarning> warnings = [];
        OptionStringScanner scanner = new(text);
        for (bool isFirst = true; !scanner.IsAtEnd; isFirst = false)
        {
            string name = scanner.TakeName();
            if (scanner.TakeEquals())
            {
                Add(options, name, scanner.TakeEscapedValue());
            }
            else if (isFirst && impliedKey is not null)
            {
                scanner.PutBack(name);
                string value = scanner.TakeEscapedValue();
                options.IsHelpWanted |= value is "help" or "?";
                Add(options, impliedKey, value);
            }
            else
            {
                AddFlag(options, name, warnings);
            }

            scanner.TakeComma();
        }

        warnings.ForEach(warn ?? (_ => { }));
        return options;
    }

    private static void AddFlag(QemuOptions options, string flag, List<OptionWarning> warnings)
    {
        if (flag is "help" or "?")
        {
            options.IsHelpWanted = true;
            Add(options, flag, "on");
            return;
        }

        bool isOff = flag.StartsWith("no", StringComparison.Ordinal);
        string name = isOff ? flag[2..] : flag;
        string value = isOff ? "off" : "on";

        // "nodelay" was once an option of its own: the advice for it keeps that name.
        string advice = name == "delay" ? $"nodelay={(isOff ? "on" : "off")}" : $"{name}={value}";
        warnings.Add(new OptionWarning($"short-form boolean option '{flag}' deprecated", $"Please use {advice} instead"));
        Add(options, name, value);
    }

    // The first id names the set, the others are dropped.
    private static void Add(QemuOptions options, string name, string value)
    {
        if (name != Id)
        {
            options.Add(name, value);
            return;
        }

        options.Id ??= OptionName.IsIdentifier(value) ? value : throw new BlockException("Parameter 'id' expects an identifier")
        {
            Hint = "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
        };
    }
}
