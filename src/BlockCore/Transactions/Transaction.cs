using System.Runtime.ExceptionServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// Several changes that happen together or not at all. Actions run in reverse order of their adding, for commit as for abort;
/// all cleaning comes after. <i>QEMU: Transaction.</i>
/// </summary>
/// <remarks>
/// States: open (actions are added), then committed or aborted, once. Nothing may throw in commit, abort and clean. Where
/// something does, which is a bug, the other actions run all the same, so that the graph stays of one piece; then it is thrown.
/// </remarks>
public sealed class Transaction
{
    private readonly List<ITransactionAction> _actions = [];
    private ExceptionDispatchInfo? _bug;
    private bool _isOver;

    /// <summary>Adds an action that is prepared already.</summary>
    public void Add(ITransactionAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Invariant.Check(!_isOver);
        _actions.Add(action);
    }

    /// <summary>Makes every change final.</summary>
    public void Commit() => End(static action => action.Commit());

    /// <summary>Takes every change back.</summary>
    public void Abort() => End(static action => action.Abort());

    private void End(Action<ITransactionAction> step)
    {
        Invariant.Check(!_isOver);
        _isOver = true;
        RunAll(step);
        RunAll(static action => action.Clean());
        _bug?.Throw();
    }

    private void RunAll(Action<ITransactionAction> step)
    {
        for (int i = _actions.Count - 1; i >= 0; i--)
        {
            try
            {
                step(_actions[i]);
            }
            catch (Exception bug)
            {
                _bug ??= ExceptionDispatchInfo.Capture(bug);
            }
        }
    }
}
