using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>A graph with jobs in it: how a job is brought to a state, what was told of it, and that nothing of it is left.</summary>
public abstract class JobTests : GraphTests
{
    /// <summary>What was told of jobs, one line each: <c>j running</c>, <c>j COMPLETED</c>.</summary>
    protected List<string> Told { get; private set; } = [];

    [SetUp]
    public void Listen()
    {
        Told = [];
        Fixture.Graph.Events.Subscribe<JobEvent>(e => Told.Add(Describe(e)));
    }

    protected Task<BlockNode> AddNodeAsync(string name) => Fixture.AddAsync($"driver=memory,filename={name},node-name={name}");

    /// <summary>A job over a new node of its own, not begun.</summary>
    protected async Task<ScriptedJob> NewJobAsync(string id = "j", JobOptions? options = null) =>
        await ScriptedJob.NewAsync(Fixture.Graph, (options ?? new JobOptions()) with { Id = id }, ScriptedJob.Reads(await AddNodeAsync($"n-{id}")));

    /// <summary>A job over a new node of its own, at its first point of rest.</summary>
    protected async Task<ScriptedJob> BeginJobAsync(string id = "j", JobOptions? options = null)
    {
        ScriptedJob job = await NewJobAsync(id, options);
        await job.StartAsync();
        await SettleAsync();
        return job;
    }

    /// <summary>Lets everything happen that needs no time: the clock moves, by the least there is, when nothing else is left to do.</summary>
    protected async Task SettleAsync() => await Fixture.Context.DelayAsync(1);

    /// <summary>No job is registered, no node is used or kept busy by one, no timer runs.</summary>
    protected void AssertNothingLeft(params BlockJob[] jobs)
    {
        Assert.That(Fixture.Graph.Jobs, Is.Empty, "no job is registered");
        Assert.That(Fixture.Graph.Roots.OfType<BlockJob>(), Is.Empty, "no root is a job");
        foreach (BlockNode node in Fixture.Graph.Nodes)
        {
            Assert.That(node.Parents.Where(e => e.Parent is BlockJob), Is.Empty, $"no job uses node '{node.Name}'");
            Assert.That(node.QuiesceCount, Is.Zero, $"node '{node.Name}' is not drained");
            foreach (BlockOperation operation in Enum.GetValues<BlockOperation>())
            {
                Assert.That(() => node.ThrowIfBlocked(operation), Throws.Nothing, $"{operation} of '{node.Name}' is possible again");
            }
        }

        Assert.That(Fixture.Context.NextDeadlineNs, Is.Null, "no timer is armed");
        foreach (BlockJob job in jobs)
        {
            Assert.That((job.State, job.Edges.Count, job.PauseCount, job.IsBusy), Is.EqualTo((JobState.Null, 0, 0, false)), $"job '{job.Id}': state, edges, pauses, busy");
        }
    }

    /// <summary>A refusal's text.</summary>
    protected static async Task<string> RefusalAsync(Func<Task> verb) => (await Failure.OfAsync(verb)).Message;

    /// <summary>Does what the verb says.</summary>
    protected static Task ApplyAsync(BlockJob job, JobVerb verb) => verb switch
    {
        JobVerb.Cancel => job.CancelAsync(isForced: true),
        JobVerb.Pause => job.PauseAsync(),
        JobVerb.Resume => job.ResumeAsync(),
        JobVerb.SetSpeed => job.SetSpeedAsync(7),
        JobVerb.Complete => job.CompleteAsync(),
        JobVerb.Finalize => job.FinalizeAsync(),
        _ => job.DismissAsync(),
    };

    private static string Describe(JobEvent what) => what switch
    {
        JobStatusChanged change => $"{change.Id} {change.Status}",
        BlockJobReady ready => $"{ready.Id} READY",
        BlockJobPending pending => $"{pending.Id} PENDING",
        BlockJobCompleted { Error: null } completed => $"{completed.Id} COMPLETED",
        BlockJobCompleted completed => $"{completed.Id} COMPLETED {completed.Error}",
        BlockJobCancelled cancelled => $"{cancelled.Id} CANCELLED",
        BlockJobError error => $"{error.Id} ERROR {(error.IsRead ? "read" : "write")} {error.Action}",
        _ => throw new ArgumentException("an event without a line", nameof(what)),
    };
}
