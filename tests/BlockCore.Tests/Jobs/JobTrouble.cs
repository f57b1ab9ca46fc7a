using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>What users, drains and moves do to the jobs of a <see cref="JobWorld"/>, at random moments.</summary>
internal sealed class JobTrouble(JobWorld world)
{
    private static readonly string[] s_refusals =
        ["cannot accept command verb", "Job is already paused", "Can't resume a job that was not paused", "is currently paused", "cannot be completed"];

    public async Task TellJobsAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await world.PauseAsync();
            if (world.Jobs.Count > 0)
            {
                await TellAsync(world.Jobs[world.Chance.Next(world.Jobs.Count)]);
            }
        }
    }

    public async Task DrainNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await world.PauseAsync();
            bool isAll = world.Chance.OneIn(3);
            DrainReach reach = world.Chance.OneIn(2) ? DrainReach.Node : DrainReach.Subtree;
            await using (isAll ? await world.Fixture.Graph.DrainAllAsync() : await DrainScope.BeginAsync(world.AnyNode(), reach))
            {
                Dictionary<ScriptedJob, int> rounds = isAll ? world.Jobs.Where(IsHeld).ToDictionary(j => j, j => j.RoundCount) : [];
                Assert.That(rounds.Keys.Where(j => j.IsBusy), Is.Empty, "in a drain of everything no body runs");
                await world.PauseAsync(100_000);
                foreach ((ScriptedJob job, int before) in rounds.Where(r => IsHeld(r.Key)))
                {
                    Assert.That(job.RoundCount, Is.EqualTo(before), $"{job.Id} rests");
                }
            }
        }
    }

    public async Task MoveNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await world.PauseAsync();
            await world.Fixture.Graph.ApplyAsync(GraphEdit.Move(world.AnyNode(), world.Homes[world.Chance.Next(world.Homes.Length)], isForced: true));
        }
    }

    public async Task ReadNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await world.PauseAsync();
            BlockBackend user = world.Users[world.Chance.Next(world.Users.Count)];
            await user.ReadAsync(world.Chance.Next(1000), new byte[world.Chance.Next(5000)]);
        }
    }

    public async Task BeginNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await world.BeginGroupAsync(i);
            await world.PauseAsync();
        }
    }

    /// <summary>Brings every job to its end, in one way or another.</summary>
    public async Task EndAllAsync()
    {
        foreach (ScriptedJob job in world.Jobs)
        {
            if (job.State == JobState.Created)
            {
                await job.CancelAsync(isForced: true);
            }
        }

        while (world.Jobs.Exists(j => j.State != JobState.Null))
        {
            foreach (ScriptedJob job in world.Jobs.Where(j => j.State != JobState.Null).ToArray())
            {
                await EndAsync(job);
            }

            await world.PauseAsync();
        }
    }

    private static bool IsHeld(ScriptedJob job) => job.State is JobState.Running or JobState.Paused or JobState.Ready or JobState.Standby && !job.IsForceCancelled && job.Edges.Count > 0;

    private Task EndAsync(ScriptedJob job)
    {
        switch (job.State)
        {
            case JobState.Pending:
                return TryAsync(job.FinalizeAsync);
            case JobState.Concluded:
                return TryAsync(job.DismissAsync);
            default:
                if (job.IsUserPaused)
                {
                    return TryAsync(job.ResumeAsync);
                }

                if (world.Chance.OneIn(2))
                {
                    job.Finish();
                    return Task.CompletedTask;
                }

                return world.Chance.OneIn(4) ? TryAsync(() => job.CancelAsync(isForced: true)) : TryAsync(job.CompleteAsync);
        }
    }

    private async Task TellAsync(ScriptedJob job)
    {
        switch (world.Chance.Next(14))
        {
            case 0 or 1:
                await TryAsync(job.PauseAsync);
                break;
            case 2 or 3:
                await TryAsync(job.ResumeAsync);
                break;
            case 4:
                await TryAsync(() => job.CancelAsync(world.Chance.OneIn(2)));
                break;
            case 5:
                await TryAsync(job.CompleteAsync);
                break;
            case 6:
                await TryAsync(job.FinalizeAsync);
                break;
            case 7:
                await TryAsync(job.DismissAsync);
                break;
            case 8:
                await TryAsync(() => job.SetSpeedAsync(world.Chance.Next(2) * world.Chance.NextLong(100_000_000)));
                break;
            case 9:
                job.Finish();
                break;
            case 10 when world.Chance.OneIn(2):
                job.Fail(world.Chance.OneIn(2) ? BlockErrorKind.NoSpace : BlockErrorKind.InputOutput);
                break;
            case 11:
                job.Do(async () => await job.OnRequestFailedAsync(world.Chance.OneIn(2) ? BlockErrorPolicy.Stop : BlockErrorPolicy.Ignore, world.Chance.OneIn(2), new BlockException("bad block")));
                break;
            case 12:
                job.Do(() => DrainOwnAsync(job));
                break;
            default:
                job.Do(() => BecomeReadyAsync(job));
                break;
        }
    }

    private static async JobTask BecomeReadyAsync(ScriptedJob job)
    {
        if (job.State == JobState.Running)
        {
            await job.SetReadyHereAsync();
        }
    }

    // A body that drains one of its own nodes and rests in there.
    private async JobTask DrainOwnAsync(ScriptedJob job)
    {
        await using (await job.DrainAsync(job.Edges[0].Node))
        {
            await job.SleepAsync(world.Chance.NextLong(50_000));
        }
    }

    // A job that is told what it cannot do says so in one of these ways.
    private static async Task TryAsync(Func<Task> verb)
    {
        try
        {
            await verb();
        }
        catch (BlockException refusal) when (s_refusals.Any(text => refusal.Message.Contains(text, StringComparison.Ordinal)))
        {
        }
    }
}
