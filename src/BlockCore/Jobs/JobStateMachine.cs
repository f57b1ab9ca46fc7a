using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>A job's state, and what may become of it. It refuses every other way, and every verb out of place.</summary>
/// <remarks>
/// <code>
///                      ┌─► paused ─┐     ┌─► standby ─┐
///                      └─ running ◄┘     └── ready ◄──┘
///                          │ │ └──────────────► │ │
///  undefined ─► created ───┘ └─────► waiting ◄──┘ │       running, ready: the body ends well
///                  │                    ▼         │
///                  │                 pending      │       the bodies of the whole group have ended well
///                  │                    │ └───────┼────┐
///                  └─────────► aborting ◄─────────┘    │  from created, running, ready, waiting, pending: an error, a cancellation
///                  │               └───────────► concluded
///                  └──────────────────────────────► null    from created: it could not be made
///
///  to          created running paused ready standby waiting pending aborting concluded null
///  undefined      x
///  created                x                                           x                  x
///  running                        x     x              x              x
///  paused                 x
///  ready                                        x      x              x
///  standby                              x
///  waiting                                                     x      x
///  pending                                                            x        x
///  aborting                                                           x        x
///  concluded                                                                             x
///
///  verb        created running paused ready standby waiting pending aborting concluded null
///  cancel         x       x       x     x       x      x       x
///  pause          x       x       x     x       x
///  resume         x       x       x     x       x
///  set-speed      x       x       x     x       x
///  complete                             x       x
///  finalize                                                    x
///  dismiss                                                                     x
/// </code>
/// </remarks>
internal struct JobStateMachine
{
    private static readonly JobState[][] s_next =
    [
        [JobState.Created],
        [JobState.Running, JobState.Aborting, JobState.Null],
        [JobState.Paused, JobState.Ready, JobState.Waiting, JobState.Aborting],
        [JobState.Running],
        [JobState.Standby, JobState.Waiting, JobState.Aborting],
        [JobState.Ready],
        [JobState.Pending, JobState.Aborting],
        [JobState.Aborting, JobState.Concluded],
        [JobState.Aborting, JobState.Concluded],
        [JobState.Null],
        [],
    ];

    private static readonly JobState[] s_working = [JobState.Created, JobState.Running, JobState.Paused, JobState.Ready, JobState.Standby];

    private static readonly JobState[][] s_accepting =
    [
        [.. s_working, JobState.Waiting, JobState.Pending],
        s_working,
        s_working,
        s_working,
        [JobState.Ready, JobState.Standby],
        [JobState.Pending],
        [JobState.Concluded],
    ];

    /// <summary>The state.</summary>
    public JobState State { get; private set; }

    /// <summary>True where a job may go from here to <paramref name="next"/>.</summary>
    public readonly bool CanMoveTo(JobState next) => Array.IndexOf(s_next[(int)State], next) >= 0;

    /// <summary>True where a job may be told <paramref name="verb"/> now.</summary>
    public readonly bool Accepts(JobVerb verb) => Array.IndexOf(s_accepting[(int)verb], State) >= 0;

    /// <summary>Goes to <paramref name="next"/>; a way that is not drawn above is a bug.</summary>
    public void MoveTo(JobState next)
    {
        if (!CanMoveTo(next))
        {
            Invariant.Fail($"a job cannot go from '{State.ToText()}' to '{next.ToText()}'");
        }

        State = next;
    }

    /// <summary>Refuses a verb out of place for the job called <paramref name="id"/>.</summary>
    /// <exception cref="BlockException">The state does not accept it.</exception>
    public readonly void ThrowUnlessAccepted(JobVerb verb, string id)
    {
        if (!Accepts(verb))
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Job '{id}' in state '{State.ToText()}' cannot accept command verb '{verb.ToText()}'");
        }
    }
}
