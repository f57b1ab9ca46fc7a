using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>
/// Jobs that succeed together or fail together; a job without a group is one of its own. Put it in the options of each. <i>QEMU: JobTxn.</i>
/// </summary>
/// <remarks>
/// <code>
///  bodies end        every member waiting ─► every member pending ─► prepare, one by one ─► commit, clean; concluded, one by one
///    │ one badly                                 │ one cancelled       │ one badly
///    └─────────────────────────┬─────────────────┴─────────────────────┘
///                              └► the others are cancelled by force, their bodies waited for; abort, clean; concluded, one by one
/// </code>
/// Invariants: (1) it is decided once whether the group commits or aborts, and nothing is awaited between the last look at the members and the
/// decision; (2) nobody is made final while the body of another runs. Members come in order newest first. Main context.
/// </remarks>
public sealed class JobTransaction
{
    private readonly List<BlockJob> _members = [];
    private Task? _finalization;
    private Task? _abortion;

    /// <summary>True from the moment when the work can no longer be taken back.</summary>
    internal bool IsCommitting { get; private set; }

    /// <summary>True while the members are being prepared.</summary>
    internal bool IsPreparing { get; private set; }

    /// <summary>A job joins.</summary>
    /// <exception cref="BlockException">The group is on its way to its end.</exception>
    internal void Add(BlockJob job)
    {
        if (_finalization is not null || _abortion is not null)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "The group of jobs is being completed; no other can join it");
        }

        _members.Insert(0, job);
    }

    /// <summary>A job leaves: it is over.</summary>
    internal void Remove(BlockJob job) => _members.Remove(job);

    /// <summary>The body of a member has ended.</summary>
    internal Task OnBodyEndedAsync(BlockJob job)
    {
        if (job.HasFailed)
        {
            job.BeginAborting();
            return AbortAsync(job);
        }

        job.BeginWaiting();
        if (!_members.TrueForAll(m => m.State == JobState.Waiting))
        {
            return Task.CompletedTask;
        }

        foreach (BlockJob member in _members)
        {
            member.BeginPending();
        }

        return _members.Exists(m => !m.Options.AutoFinalize) ? Task.CompletedTask : FinalizeAsync();
    }

    /// <summary>Makes the work of all members final, or takes all of it back. They are pending.</summary>
    internal Task FinalizeAsync()
    {
        Invariant.Check(_finalization is null && _abortion is null);
        return _finalization = FinalizeCoreAsync();
    }

    /// <summary>Takes back what all members did, because of <paramref name="cause"/>.</summary>
    internal Task AbortAsync(BlockJob cause) => _abortion ??= AbortCoreAsync(cause);

    /// <summary>Waits for what has been decided to be done.</summary>
    internal async Task SettleAsync()
    {
        if (_finalization is not null)
        {
            await _finalization;
        }

        if (_abortion is not null)
        {
            await _abortion;
        }
    }

    private async Task FinalizeCoreAsync()
    {
        IsPreparing = true;
        foreach (BlockJob member in _members.ToArray())
        {
            await member.RunPrepareAsync();
            if (_members.Find(m => m.HasFailed) is { } failed)
            {
                IsPreparing = false;
                await AbortAsync(failed);
                return;
            }
        }

        IsPreparing = false;
        IsCommitting = true;
        await ConcludeAllAsync();
    }

    private async Task AbortCoreAsync(BlockJob cause)
    {
        foreach (BlockJob member in _members.ToArray())
        {
            if (!ReferenceEquals(member, cause))
            {
                member.MarkCancelled();
            }
        }

        await ConcludeAllAsync();
    }

    private async Task ConcludeAllAsync()
    {
        while (_members.Count > 0)
        {
            BlockJob member = _members[0];
            await member.WaitForBodyAsync();
            await member.ConcludeAsync();
        }
    }
}
