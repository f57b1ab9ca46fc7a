using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Io;

/// <summary>Gives the open image other options.</summary>
internal sealed class ReopenCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "reopen";

    /// <inheritdoc/>
    public override string Usage => "[-r | -w] [-c cache] [-o options]";

    /// <inheritdoc/>
    public override string Summary => "give the open image other options";

    /// <inheritdoc/>
    public override string QemuTail => " [(-r|-w)] [-c cache] [-o options] -- reopens an image with new options";

    /// <inheritdoc/>
    public override string Example => "'reopen -r': from now on nobody writes";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('c', "cache mode from now on: none, directsync, writeback, writethrough or unsafe", "MODE"),
        new('o', "options that are to be other ones, as of open", "OPTIONS"),
        new('r', "read-only from now on"),
        new('w', "writable from now on"),
    ];

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 0;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) => letter switch
    {
        'r' or 'w' when before.Has('r') || before.Has('w') => session.Complain("Only one -r/-w option may be given"),
        'c' when new IoOpenMode().WithCacheMode(value!) is null => session.Complain($"Invalid cache option: {value}"),
        'o' => OpenCommand.MeetOptions(session, value!),
        _ => null,
    };

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        OptionsDictionary changes = OpenCommand.OptionsOf(switches);
        IoOpenMode mode = session.Mode;
        if (switches.Has('r') || switches.Has('w'))
        {
            if (changes.ContainsKey("read-only"))
            {
                return session.Complain("Cannot set both -r/-w and 'read-only'");
            }

            mode = mode with { IsReadOnly = switches.Has('r') };
            changes["read-only"] = mode.IsReadOnly;
        }

        if (switches.Value('c') is { } cache)
        {
            if (changes.ContainsKey("cache.direct") || changes.ContainsKey("cache.no-flush"))
            {
                return session.Complain("Cannot set both -c and the cache options");
            }

            mode = mode.WithCacheMode(cache)!;
            changes["cache.direct"] = mode.CacheDirect!.Value;
            changes["cache.no-flush"] = mode.CacheNoFlush!.Value;
        }

        try
        {
            await session.ReopenAsync(changes, mode, givesWritingUp: switches.Has('r'));
            return true;
        }
        catch (BlockException failure)
        {
            return session.Complain(failure);
        }
    }
}
