using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

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

    /// <summary>
    /// Lets each driver finish, once, whose node's users are about to need what <paramref name="plan"/> says; true where one was waited for. What a driver
    /// cannot finish is told of, and stays as it is.
    /// </summary>
    public static async Task<bool> FinishBeforeAsync(PermissionPlan plan, HashSet<BlockNode> finished)
    {
        bool hasWaited = false;
        foreach (NodePermissions item in plan.Nodes)
        {
            if (!item.Node.HasInstance || !item.Node.Instance.MustFinishBefore(item.Users) || !finished.Add(item.Node))
            {
                continue;
            }

            hasWaited = true;
            try
            {
                await RunAsync(item.Node, instance => instance.FinishBeforeAsync(item.Users));
            }
            catch (Exception error)
            {
                item.Node.Graph.Events.Publish(new BlockWarning($"Node '{item.Node.Name}': driver '{item.Node.Driver.Name}' failed to finish: {error.Message}"));
            }
        }

        return hasWaited;
    }
}
