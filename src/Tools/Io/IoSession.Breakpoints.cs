using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Filters.Blkdebug;

namespace BlockGraph.Tools.Io;

/// <content>The breakpoints of the first blkdebug node below the image, and the requests that wait at them.</content>
internal sealed partial class IoSession
{
    /// <summary>Why no breakpoint can be set.</summary>
    public const string NoBlkdebug = "the image has no blkdebug node (open it as blkdebug::FILE)";

    /// <summary>Tells of each request that is suspended or resumed, until the result is disposed.</summary>
    public IDisposable WatchSuspensions() => world.Graph.Events.Subscribe<DebugSuspension>(seen =>
    {
        Out.WriteLine(seen.IsResumed ? $"blkdebug: Resuming request '{seen.Tag}'" : $"blkdebug: Suspended request '{seen.Tag}'");
        _progress.WakeAll();
    });

    /// <summary>The first blkdebug node from the root down, or null.</summary>
    public BlkdebugInstance? FindBlkdebug()
    {
        for (BlockNode? node = Backend.Root; node is not null; node = node.PrimaryChild?.Node)
        {
            if (node.Instance is BlkdebugInstance debug)
            {
                return debug;
            }
        }

        return null;
    }

    /// <summary>Why a command about a tag has failed.</summary>
    /// <param name="debug">The node with the breakpoints, or null.</param>
    /// <param name="ownReason">Why, where there is such a node.</param>
    public string ReasonOf(BlkdebugInstance? debug, string ownReason) =>
        settings.FollowsTexts ? (debug is null ? BlockErrorKind.NotSupported : BlockErrorKind.NotFound).ToErrnoText()
        : debug is null ? NoBlkdebug
        : ownReason;

    /// <summary>Waits until a request is suspended under <paramref name="tag"/>; false once none is under way that could be.</summary>
    public async ValueTask<bool> WaitForSuspensionAsync(BlkdebugInstance debug, string tag)
    {
        while (!debug.IsSuspended(tag) && _pendingCount > 0)
        {
            await _progress.WaitAsync();
        }

        return debug.IsSuspended(tag);
    }

    // Nobody could resume them any more, and a wait for them would never end.
    private void ResumeForgotten()
    {
        if (IsOpen && _pendingCount > 0 && FindBlkdebug() is { } debug)
        {
            foreach (string tag in debug.RemoveAllBreakpoints())
            {
                Complain($"request '{tag}' is still suspended: it is resumed");
            }
        }
    }
}
