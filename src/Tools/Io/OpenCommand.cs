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
    public override string Usage => "[-CknrsU] [-i aio] [-t cache] [-d discard] [-o options] [path]";

    /// <inheritdoc/>
    public override string Summary => "open an image";

    /// <inheritdoc/>
    public override string QemuTail => " [-rsCnkU] [-t cache] [-d discard] [-o options] [path] -- open the file specified by path";

    /// <inheritdoc/>
    public override string Example => "'open -n -o driver=raw disk.img': open disk.img as raw, past the page cache";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "copy what is read from backing files into the image"),
        new('d', "what becomes of discards: unmap or ignore", "MODE"),
        new('i', "how requests are carried out: threads, native or io_uring", "MODE"),
        new('k', "the kernel's own asynchronous requests; short for -i native"),
        new('n', "bypass the host's page cache; short for -t none"),
        new('o', "option string", "OPTIONS"),
        new('r', "read-only"),
        new('s', "write to a temporary overlay, which is gone afterwards"),
        new('t', "cache mode: none, directsync, writeback, writethrough or unsafe", "MODE"),
        new('U', "share every permission (with -r)"),
    ];

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) => letter switch
    {
        't' when new IoOpenMode().WithCacheMode(value!) is null => session.Complain($"Invalid cache option: {value}"),
        'd' when new IoOpenMode().WithDiscardMode(value!) is null => session.Complain($"Invalid discard option: {value}"),
        'i' when new IoOpenMode().WithAio(value!) is null => session.Complain($"Invalid aio option: {value}"),
        'o' when session.Settings.TakesImageOptions => MeetValue(session, "--image-opts and 'open -o' are mutually exclusive"),
        'o' => MeetOptions(session, value!),
        _ => null,
    };

    /// <summary>What <see cref="IoCommand.Meet"/> answers of an option string, which may be malformed, or of an old form that is warned of.</summary>
    public static bool? MeetOptions(IoSession session, string text)
    {
        try
        {
            session.ReadOptionString(text);
            return null;
        }
        catch (BlockException failure)
        {
            return session.Complain(failure);
        }
    }

    /// <summary>The options of every <c>-o</c>; the later wins.</summary>
    public static OptionsDictionary OptionsOf(IoSwitches switches)
    {
        OptionsDictionary options = [];
        foreach ((string key, OptionValue value) in switches.Values('o').SelectMany(text => QemuOptsParser.Parse(text).ToDictionary()))
        {
            options[key] = value;
        }

        return options;
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (switches.Operands.Count > 1)
        {
            session.Out.WriteLine(UsageLine(session.Settings));
            return false;
        }

        string? path = switches.Operands.Count == 1 ? switches.Operands[0] : null;
        try
        {
            return await session.TryOpenAsync(ReadOptions(session, switches, path), ReadMode(session.Settings, switches), path);
        }
        catch (BlockException failure)
        {
            return session.Complain(failure);
        }
    }

    private static IoOpenMode ReadMode(IoSettings settings, IoSwitches switches)
    {
        IoOpenMode mode = new()
        {
            IsReadOnly = switches.Has('r'),
            IsForceShare = switches.Has('U'),
            IsSnapshot = switches.Has('s'),
            CopiesOnRead = switches.Has('C'),
            CacheDirect = switches.Has('n') ? true : null,
            IsWritethrough = settings.OpensByFileName && !switches.Has('n'),
            Aio = switches.Value('i') ?? (switches.Has('k') ? "native" : null),
        };
        mode = switches.Value('t') is { } cache ? mode.WithCacheMode(cache)! : mode;
        return switches.Value('d') is { } discard ? mode.WithDiscardMode(discard)! : mode;
    }

    private static OptionsDictionary ReadOptions(IoSession session, IoSwitches switches, string? path)
    {
        OptionsDictionary options = OptionsOf(switches);
        if (path is null)
        {
            return options;
        }

        OptionsDictionary named = session.Settings switch
        {
            { TakesImageOptions: true } => session.ReadOptionString(path),
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
