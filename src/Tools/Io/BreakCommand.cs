using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Filters.Blkdebug;

namespace BlockGraph.Tools.Io;

/// <summary>Lets the next request that comes to an event of blkdebug wait there, under a tag.</summary>
internal sealed class BreakCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "break";

    /// <inheritdoc/>
    public override string Usage => "event tag";

    /// <inheritdoc/>
    public override string Summary => "suspend the next request that comes to an event of blkdebug, under a tag";

    /// <inheritdoc/>
    public override string QemuTail => " event tag -- sets a breakpoint on event and tags the stopped request as tag";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 2;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string name = switches.Operands[0];
        DebugEvent? found = DebugEventExtensions.Find(name);
        BlkdebugInstance? debug = session.FindBlkdebug();
        if (debug is null || found is null)
        {
            BlockErrorKind kind = debug is null ? BlockErrorKind.NotSupported : BlockErrorKind.NotFound;
            string reason = session.Settings.FollowsTexts ? kind.ToErrnoText() : debug is null ? IoSession.NoBlkdebug : ReasonOf(name);
            session.Out.WriteLine($"Could not set breakpoint: {reason}");
            return new(false);
        }

        debug.SetBreakpoint(found.Value, switches.Operands[1]);
        return new(true);
    }

    private static string ReasonOf(string name) =>
        $"there is no event '{name}'" + (NearestText.Find(name, DebugEventExtensions.Names) is { } nearest ? $" (did you mean '{nearest}'?)" : "");
}
