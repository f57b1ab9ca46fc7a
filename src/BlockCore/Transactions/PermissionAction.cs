using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Applies a permission plan: the drivers take what their users need, then the edges change.</summary>
internal sealed class PermissionAction : ITransactionAction
{
    private readonly PermissionPlan _plan;
    private readonly List<(BlockChild Edge, PermissionSet Old)> _old = [];
    private int _checkedCount;

    private PermissionAction(PermissionPlan plan) => _plan = plan;

    /// <summary>Prepares the plan and adds it to <paramref name="transaction"/>; throws and leaves no trace where a driver refuses.</summary>
    public static void Prepare(Transaction transaction, PermissionPlan plan)
    {
        PermissionAction action = new(plan);
        try
        {
            foreach ((BlockNode node, PermissionSet users) in plan.Nodes)
            {
                node.Instance.CheckPermissions(users);
                action._checkedCount++;
            }
        }
        catch
        {
            action.AbortChecks();
            throw;
        }

        foreach ((BlockChild edge, PermissionSet permissions) in plan.Edges)
        {
            action._old.Add((edge, edge.Permissions));
            edge.Permissions = permissions;
        }

        transaction.Add(action);
    }

    public void Commit()
    {
        foreach ((BlockNode node, PermissionSet users) in _plan.Nodes)
        {
            node.Instance.CommitPermissions(users);
        }
    }

    public void Abort()
    {
        for (int i = _old.Count - 1; i >= 0; i--)
        {
            _old[i].Edge.Permissions = _old[i].Old;
        }

        AbortChecks();
    }

    public void Clean()
    {
    }

    private void AbortChecks()
    {
        for (int i = _checkedCount - 1; i >= 0; i--)
        {
            _plan.Nodes[i].Node.Instance.AbortPermissions();
        }
    }
}
