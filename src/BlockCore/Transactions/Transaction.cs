using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// Several changes that happen together or not at all. Actions run in reverse order of their adding, for commit as for abort;
/// all cleaning comes after. <i>QEMU: Transaction.</i>
/// </summary>
/// <remarks>States: open (actions are added), then committed or aborted, once.</remarks>
public sealed class Transaction
{
    private readonly List<ITransactionAction> _actions = [];
    private bool _isOver;

    /// <summary>Adds an action that is prepared already.</summary>
    public void Add(ITransactionAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Invariant.Check(!_isOver);
        _actions.Add(action);
    }

    /// <summary>Makes every change final.</summary>
    public void Commit()
    {
        End();
        for (int i = _actions.Count - 1; i >= 0; i--)
        {
            _actions[i].Commit();
        }

        Clean();
    }

    /// <summary>Takes every change back.</summary>
    public void Abort()
    {
        End();
        for (int i = _actions.Count - 1; i >= 0; i--)
        {
            _actions[i].Abort();
        }

        Clean();
    }

    private void End()
    {
        Invariant.Check(!_isOver);
        _isOver = true;
    }

    private void Clean()
    {
        for (int i = _actions.Count - 1; i >= 0; i--)
        {
            _actions[i].Clean();
        }
    }
}
