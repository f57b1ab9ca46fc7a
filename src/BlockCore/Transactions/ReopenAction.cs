using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Puts prepared reopens in force, last prepared first. What the change has prepared and does not commit, the change takes back.</summary>
internal sealed class ReopenAction(ReopenSet reopens) : ITransactionAction
{
    public void Commit()
    {
        DriverFailure failures = new();
        for (int i = reopens.Contexts.Count - 1; i >= 0; i--)
        {
            ReopenContext context = reopens.Contexts[i];
            BlockNode node = context.Node;
            context.IsPrepared = false;
            failures.Run(node, "committing a reopen", static (n, c) => n.Instance.CommitReopen(c), context);
            node.Settings = context.NewSettings;
            node.ExplicitOptions = context.NewExplicitOptions;
            node.Options = context.NewOptions;
            node.IsReadOnly = context.NewIsReadOnly;
            node.Generation++;
        }

        failures.Throw();
    }

    public void Abort()
    {
    }

    public void Clean()
    {
    }
}
