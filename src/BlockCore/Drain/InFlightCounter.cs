using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Drain;

/// <summary>
/// What is under way at one node without a request from above: reading a header while it is opened, a rewrite in the background.
/// A drain of the node waits for it, but does not hold it back. <i>QEMU: bdrv_inc_in_flight().</i>
/// </summary>
internal sealed class InFlightCounter(NodeGraph graph)
{
    private int _count;

    /// <summary>True where nothing is under way.</summary>
    public bool IsZero => Volatile.Read(ref _count) == 0;

    /// <summary>Something begins. Any thread; whoever calls it is sure that the node lives.</summary>
    public void Begin() => Interlocked.Increment(ref _count);

    /// <summary>It is over. Any thread.</summary>
    public void End()
    {
        int count = Interlocked.Decrement(ref _count);
        Invariant.Check(count >= 0);
        if (count > 0)
        {
            return;
        }

        if (graph.MainContext.IsHome)
        {
            graph.WorkDone.WakeAll();
        }
        else
        {
            graph.MainContext.Post(static state => ((NodeGraph)state!).WorkDone.WakeAll(), graph);
        }
    }
}
