using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Puts a permission plan in force: the drivers take what their users need, then the edges change.</summary>
internal sealed class PermissionAction : ITransactionAction
{
    private readonly PermissionPlan _plan;
    private int _checkedCount;

    private PermissionAction(PermissionPlan plan) => _plan = plan;

    /// <summary>Prepares the plan and adds it to <paramref name="transaction"/>; throws and leaves no trace where a driver refuses.</summary>
    public static void Prepare(Transaction transaction, PermissionPlan plan, ReopenSet reopens)
    {
        PermissionAction action = new(plan);
        try
        {
            foreach (NodePermissions item in plan.Nodes)
            {
                if (item.Node.HasInstance)
                {
                    item.Node.Graph.Step("permissions of", item.Node.Driver.Name);
                    item.Node.Instance.CheckPermissions(item.Users, reopens.Find(item.Node));
                }

                action._checkedCount++;
            }
        }
        catch
        {
            action.AbortChecks();
            throw;
        }

        transaction.Add(action);
    }

    /// <summary>Adds the edges' part of the plan alone: for one that asks for less than before, and that a driver refuses all the same.</summary>
    public static void PrepareWithoutDrivers(Transaction transaction, PermissionPlan plan) =>
        transaction.Add(new PermissionAction(plan with { Nodes = [] }));

    public void Commit()
    {
        foreach (EdgePermissions item in _plan.Edges)
        {
            item.Edge.Permissions = item.Permissions;
        }

        DriverFailure failures = new();
        foreach (NodePermissions item in _plan.Nodes)
        {
            if (item.Node.HasInstance)
            {
                failures.Run(item.Node, "committing permissions", static (node, users) => node.Instance.CommitPermissions(users), item.Users);
            }
        }

        failures.Throw();
    }

    public void Abort() => AbortChecks();

    public void Clean()
    {
    }

    private void AbortChecks()
    {
        DriverFailure failures = new();
        for (int i = _checkedCount - 1; i >= 0; i--)
        {
            BlockNode node = _plan.Nodes[i].Node;
            if (node.HasInstance)
            {
                failures.Run(node, "aborting permissions", static (n, _) => n.Instance.AbortPermissions(), 0);
            }
        }

        failures.Throw();
    }
}
