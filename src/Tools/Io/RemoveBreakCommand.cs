using BlockGraph.Drivers.Filters.Blkdebug;

namespace BlockGraph.Tools.Io;

/// <summary>Takes a breakpoint away, and lets what is suspended under its tag go on.</summary>
internal sealed class RemoveBreakCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "remove_break";

    /// <inheritdoc/>
    public override string Usage => "tag";

    /// <inheritdoc/>
    public override string Summary => "take the breakpoints of a tag away, and let what is suspended under it go on";

    /// <inheritdoc/>
    public override string QemuTail => " tag -- remove a breakpoint by tag";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string tag = switches.Operands[0];
        BlkdebugInstance? debug = session.FindBlkdebug();
        bool isSet = debug is not null && debug.HasBreakpoint(tag);
        bool isRemoved = debug is not null && debug.RemoveBreakpoint(tag);

        // A breakpoint that has stopped a request is gone; to the well-known program there is nothing to remove then, though the request goes on.
        bool isFine = session.Settings.FollowsTexts ? isSet : isRemoved;
        if (!isFine)
        {
            session.Out.WriteLine($"Could not remove breakpoint {tag}: {session.ReasonOf(debug, "there is none")}");
        }

        return new(isFine);
    }
}
