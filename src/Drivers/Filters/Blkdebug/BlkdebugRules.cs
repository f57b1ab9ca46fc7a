using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>
/// The state machine of one blkdebug node: events make rules active and change the state; requests ask whether an active rule fails
/// them. <i>QEMU: process_rule() and rule_check().</i>
/// </summary>
/// <remarks>
/// <para>All rules of an event look at the state as it was before the event. Of several that would change it, the one declared first wins.</para>
/// <para>Active rules stay active until an event activates others in their place; of several that concern a request, the one declared first fails
/// it. Any thread.</para>
/// </remarks>
internal sealed class BlkdebugRules
{
    private readonly Lock _lock = new();
    private readonly List<InjectErrorRule> _injectErrors;
    private readonly SetStateRule[] _setStates;

    // Protected by _lock, as is _injectErrors: a rule that fails once goes.
    private List<InjectErrorRule> _active = [];
    private long _state = 1;

    /// <summary>A machine in state 1 that has seen the event of nothing: rules that wait for nothing are active.</summary>
    public BlkdebugRules(IEnumerable<InjectErrorRule> injectErrors, IEnumerable<SetStateRule> setStates)
    {
        _injectErrors = [.. injectErrors];
        _setStates = [.. setStates];
        HasRules = _injectErrors.Count > 0 || _setStates.Length > 0;
        OnEvent(DebugEvent.None);
    }

    /// <summary>True where there was any rule to begin with.</summary>
    public bool HasRules { get; }

    /// <summary>The state that the machine is in.</summary>
    public long State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>An event has come.</summary>
    public void OnEvent(DebugEvent debugEvent)
    {
        lock (_lock)
        {
            List<InjectErrorRule> activated = _injectErrors.FindAll(rule => rule.Event == debugEvent && IsIn(rule.State));
            if (activated.Count > 0)
            {
                _active = activated;
            }

            if (Array.Find(_setStates, rule => rule.Event == debugEvent && IsIn(rule.State)) is { } change)
            {
                _state = change.NewState;
            }
        }
    }

    /// <summary>The rule that fails a request; null where it may go on. A rule that fails once is gone then.</summary>
    public InjectErrorRule? Take(BlkdebugIoType ioType, long offset, long lengthBytes)
    {
        if (!HasRules)
        {
            return null;
        }

        lock (_lock)
        {
            InjectErrorRule? rule = _active.Find(r => r.Concerns(ioType, offset, lengthBytes));
            if (rule is { IsOnce: true })
            {
                // By identity: two rules may say the same.
                _active.RemoveAll(r => ReferenceEquals(r, rule));
                _injectErrors.RemoveAll(r => ReferenceEquals(r, rule));
            }

            return rule is { Errno: not 0 } ? rule : null;
        }
    }

    private bool IsIn(long state) => state == 0 || state == _state;
}
