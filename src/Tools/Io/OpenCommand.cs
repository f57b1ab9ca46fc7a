using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Io;

/// <summary>Opens an image where none is open.</summary>
internal sealed class OpenCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "open";

    /// <inheritdoc/>
    public override string Alias => "o";

    /// <inheritdoc/>
    public override string Usage => "[-rnU] [-t cache] [-d discard] [-o options] [path]";

    /// <inheritdoc/>
    public override string Summary => "open an image";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-d MODE     what becomes of discards: unmap or ignore",
        "-n          bypass the host's page cache; short for -t none",
        "-o OPTIONS  option string",
        "-r          read-only",
        "-t MODE     cache mode: none, directsync, writeback, writethrough or unsafe",
        "-U          share every permission (with -r)",
    ];

    /// <inheritdoc/>
    public override string Switches => "rnUt:d:o:";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (switches.Operands.Count > 1)
        {
            session.Out.WriteLine(UsageLine);
            return false;
        }

        if (session.Settings.TakesImageOptions && switches.Has('o'))
        {
            session.Out.WriteLine("--image-opts and 'open -o' are mutually exclusive");
            return false;
        }

        if (ReadMode(session, switches) is not { } mode)
        {
            return false;
        }

        string? path = switches.Operands.Count == 1 ? switches.Operands[0] : null;
        try
        {
            return await session.TryOpenAsync(ReadOptions(session.Settings, switches.Value('o'), path), mode, path);
        }
        catch (BlockException failure)
        {
            session.Out.WriteLine(failure.Message);
            return false;
        }
    }

    private static IoOpenMode? ReadMode(IoSession session, IoSwitches switches)
    {
        IoOpenMode mode = new()
        {
            IsReadOnly = switches.Has('r'),
            IsForceShare = switches.Has('U'),
            CacheDirect = switches.Has('n') ? true : null,
            IsWritethrough = session.Settings.OpensByFileName && !switches.Has('n'),
        };
        if (switches.Value('t') is { } cache)
        {
            if (mode.WithCacheMode(cache) is not { } withCache)
            {
                session.Out.WriteLine($"Invalid cache option: {cache}");
                return null;
            }

            mode = withCache;
        }

        if (switches.Value('d') is not { } discard)
        {
            return mode;
        }

        if (mode.WithDiscardMode(discard) is not { } withDiscard)
        {
            session.Out.WriteLine($"Invalid discard option: {discard}");
            return null;
        }

        return withDiscard;
    }

    private static OptionsDictionary ReadOptions(IoSettings settings, string? text, string? path)
    {
        OptionsDictionary options = text is null ? [] : QemuOptsParser.Parse(text).ToDictionary();
        if (path is null)
        {
            return options;
        }

        OptionsDictionary named = settings switch
        {
            { TakesImageOptions: true } => QemuOptsParser.Parse(path).ToDictionary(),
            { OpensByFileName: true } => new OptionsDictionary { { "filename", path } },
            _ => CommandOptions.Read(path),
        };
        foreach ((string key, OptionValue value) in options)
        {
            named[key] = value;
        }

        return named;
    }
}
