using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>What a driver does to its image for the control plane: other drains wait for it, as nobody's request covers it.</summary>
internal static class DriverWork
{
    /// <summary>Runs <paramref name="work"/> on the main context, counted at the node.</summary>
    public static async Task RunAsync(BlockNode node, Func<BlockDriverInstance, Task> work)
    {
        node.Work.Begin();
        try
        {
            await work(node.Instance);
        }
        finally
        {
            node.Work.End();
        }
    }
}
