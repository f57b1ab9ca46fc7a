using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>
/// The world of one seeded run: a graph that several jobs and users share, on three contexts, and what every job may be asked at its end.
/// <code>
///  user0 ──► top ──► base ◄── side ◄── user1          jobs over any of these, alone and in groups
///                     other ◄── user2
/// </code>
/// </summary>
internal sealed class JobWorld : IDisposable
{
    public static readonly string[] NodeNames = ["top", "side", "base", "other"];

    private readonly Dictionary<string, JobStateMachine> _machines = [];

    public JobWorld(int seed)
    {
        Fixture = new GraphFixture(new SimulationOptions { Seed = seed });
        Chance = Fixture.World.Chance;
        Homes = [Fixture.Context, Fixture.World.CreateContext("one"), Fixture.World.CreateContext("two")];
        Fixture.Graph.Events.Subscribe<JobStatusChanged>(OnStatus);
    }

    public GraphFixture Fixture { get; }

    public SeededRandom Chance { get; }

    public AioContext[] Homes { get; }

    /// <summary>Every job that was made, whether or not it is over.</summary>
    public List<ScriptedJob> Jobs { get; } = [];

    /// <summary>The jobs of each group, by its members' order.</summary>
    public List<List<ScriptedJob>> Groups { get; } = [];

    public List<BlockBackend> Users { get; } = [];

    public async Task OpenAsync()
    {
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base,latency-ns-max=50000");
        await Fixture.AddAsync("driver=pass-through,node-name=top,file=base");
        await Fixture.AddAsync("driver=pass-through,node-name=side,file=base");
        await Fixture.AddAsync("driver=memory,filename=other,node-name=other,latency-ns-max=50000");
        foreach (string name in new[] { "top", "side", "other" })
        {
            BackendOptions options = new() { ReadOnly = true, ShareWrite = true, AllowsContextChange = true };
            Users.Add(await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode(name)!, options));
        }
    }

    public BlockNode AnyNode() => Fixture.Graph.FindNode(NodeNames[Chance.Next(NodeNames.Length)])!;

    public ValueTask PauseAsync(long longestNs = 300_000) => Fixture.Context.DelayAsync(Chance.NextLong(longestNs));

    /// <summary>Makes a group of one to three jobs with random ways, and begins them.</summary>
    public async Task BeginGroupAsync(int number)
    {
        JobTransaction group = new();
        List<ScriptedJob> members = [];
        for (int i = Chance.Next(3); i >= 0; i--)
        {
            JobOptions options = new()
            {
                Id = $"j{number}-{i}",
                Group = group,
                AutoFinalize = !Chance.OneIn(3),
                AutoDismiss = !Chance.OneIn(3),
                SpeedBytesPerSecond = Chance.OneIn(3) ? 1 + Chance.Next(50_000_000) : 0,
            };
            List<JobNode> nodes = [ScriptedJob.Reads(AnyNode(), "source")];
            if (Chance.OneIn(2))
            {
                nodes.Add(ScriptedJob.Reads(AnyNode(), "target"));
            }

            if (await TryMakeAsync(options, nodes) is { } job)
            {
                SetUp(job);
                Jobs.Add(job);
                members.Add(job);
            }
        }

        Groups.Add(members);
        foreach (ScriptedJob job in members.Where(_ => !Chance.OneIn(8)))
        {
            await PauseAsync(20_000);
            await job.StartAsync();
        }
    }

    public void Dispose() => Fixture.Dispose();

    // Null where another of the group was cancelled before this one was made.
    private async Task<ScriptedJob?> TryMakeAsync(JobOptions options, List<JobNode> nodes)
    {
        try
        {
            return await ScriptedJob.NewAsync(Fixture.Graph, options, nodes);
        }
        catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.Cancelled || refusal.Message.StartsWith("The group of jobs is being completed", StringComparison.Ordinal))
        {
            return null;
        }
    }

    private void SetUp(ScriptedJob job)
    {
        job.RoundNs = Chance.OneIn(3) ? null : Chance.NextLong(100_000);
        job.ReadLengthBytes = Chance.OneIn(3) ? 0 : 1 + Chance.Next(60_000);
        job.CancelsSoftlyIn = Chance.OneIn(2) ? s => s is JobState.Ready or JobState.Standby : _ => false;
        job.IsCompletable = !Chance.OneIn(5);
        job.Preparing = async cancel =>
        {
            await Fixture.Context.DelayAsync(Chance.NextLong(30_000), cancel);
            if (Chance.OneIn(6))
            {
                throw new BlockException("prepare failed");
            }
        };
        job.Cleaning = async () => await Fixture.Context.DelayAsync(Chance.NextLong(30_000));
    }

    // Every change of state that is told must be one that is drawn.
    private void OnStatus(JobStatusChanged change)
    {
        JobStateMachine machine = _machines.GetValueOrDefault(change.Id);
        machine.MoveTo(Enum.GetValues<JobState>().Single(s => s.ToText() == change.Status));
        _machines[change.Id] = machine;
    }
}
