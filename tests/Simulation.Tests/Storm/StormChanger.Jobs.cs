using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Jobs: one or a group of two, told this and that at random, ended at last.</content>
internal sealed partial class StormChanger
{
    private static readonly (string Kind, Func<StormChanger, ScriptedJob, Task> Verb)[] s_verbs =
    [
        ("job start", (_, job) => job.StartAsync()),
        ("job pause", (_, job) => job.PauseAsync()),
        ("job resume", (_, job) => job.ResumeAsync()),
        ("job speed", (c, job) => job.SetSpeedAsync(c._chance.OneIn(2) ? 0 : 100_000)),
        ("job cancel", (_, job) => job.CancelAsync()),
        ("job cancel by force", (_, job) => job.CancelAsync(isForced: true)),
        ("job ready", (_, job) => Script(job.BecomeReady)),
        ("job complete", (_, job) => job.CompleteAsync()),
        ("job finish", (_, job) => Script(job.Finish)),
        ("job fail", (_, job) => Script(() => job.Fail())),
        ("job finalize", (_, job) => job.FinalizeAsync()),
        ("job dismiss", (_, job) => job.DismissAsync()),
    ];

    private async Task<StormOutcome> RunJobAsync()
    {
        JobTransaction? group = _chance.OneIn(3) ? new JobTransaction() : null;
        List<ScriptedJob> jobs = [];
        try
        {
            for (int i = group is null ? 1 : 2; i > 0; i--)
            {
                if (AnyNode(AnyDisk()) is { } node)
                {
                    jobs.Add(await NewJobAsync(node, group));
                }
            }

            await TellAsync(jobs);
        }
        finally
        {
            foreach (ScriptedJob job in jobs)
            {
                await job.DisposeAsync();
                world.Expect(job.State == JobState.Null && job.Edges.Count == 0 ? null : $"{job.Description} is {job.State} in the end, with {job.Edges.Count} nodes");
                world.Expect(job.StrayCount == 0 ? null : $"{job.Description} has run away from home");
            }
        }

        return jobs.Count > 0 ? StormOutcome.Done : StormOutcome.Refused;
    }

    private async Task<ScriptedJob> NewJobAsync(BlockNode node, JobTransaction? group)
    {
        JobOptions options = new() { Id = NewName("j"), Group = group, AutoFinalize = _chance.OneIn(2), AutoDismiss = _chance.OneIn(2) };
        bool isSoft = _chance.OneIn(2);
        ScriptedJob job = await ScriptedJob.NewAsync(world.Graph, options, ScriptedJob.Reads(node));
        job.RoundNs = 10_000 + _chance.NextLong(100_000);
        job.ReadLengthBytes = (int)Math.Min(node.LengthBytes, 700);
        job.CancelsSoftlyIn = _ => isSoft;
        return job;
    }

    // First of all what a job is for; then anything, and most of it comes at a wrong time.
    private async Task TellAsync(List<ScriptedJob> jobs)
    {
        foreach (ScriptedJob job in jobs)
        {
            await TellAsync(job, 0);
        }

        for (int i = 4 + _chance.Next(8); i > 0 && jobs.Count > 0; i--)
        {
            await PauseAsync(150_000);
            await TellAsync(jobs[_chance.Next(jobs.Count)], 1 + _chance.Next(s_verbs.Length - 1));
        }
    }

    private async Task TellAsync(ScriptedJob job, int verb) => world.Tally.Add(s_verbs[verb].Kind, await TryAsync(async () =>
    {
        await s_verbs[verb].Verb(this, job);
        return StormOutcome.Done;
    }));

    private static Task Script(Action step)
    {
        step();
        return Task.CompletedTask;
    }
}
