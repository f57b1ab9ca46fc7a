using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>
/// The graph that every operation is tried on, with requests flying through it; and the count of its steps.
/// <code>
///   drive   reader            lone (nobody's)      spare -> spare-file          over -> mid -> low      quorum        idle -> disk      empty
///     |      |                                                                  (real formats)         /      \
///    top -> flt -> base                                                                              c0        c1
///     |
///    top-file -> top-store
/// </code>
/// </summary>
internal sealed class StepWorld : IDisposable
{
    private readonly GraphFixture _fixture;

    public StepWorld()
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = 1 }, drivers: [new QuorumDriver()]) { StepHook = TakeStep };
        Other = _fixture.World.CreateContext("other");
    }

    public NodeGraph Graph => _fixture.Graph;

    public AioContext Other { get; }

    public BlockBackend Drive { get; private set; } = null!;

    /// <summary>A backend that nothing is sent to.</summary>
    public BlockBackend Idle { get; private set; } = null!;

    /// <summary>A backend without a medium.</summary>
    public BlockBackend Empty { get; private set; } = null!;

    /// <summary>Called at each step with its number, once the world is built; may throw.</summary>
    public Action<int>? OnStep { get; set; }

    /// <summary>The steps since <see cref="Begin"/>, by name.</summary>
    public List<string> Steps { get; } = [];

    private BlockBackend Reader { get; set; } = null!;

    public void Run(Func<Task> body) => _fixture.Run(body);

    public BlockNode Node(string name) => Graph.FindNode(name)!;

    public StepPicture Picture() => StepPicture.Of(_fixture);

    public Task ApplyAsync(params GraphEdit[] edits) => Graph.ApplyAsync(edits);

    public async Task BuildAsync()
    {
        foreach ((string name, string? backing) in new[] { ("low", (string?)null), ("mid", "low"), ("over", "mid") })
        {
            FormatCow(name, backing);
            await _fixture.AddAsync($"driver=cow,node-name={name},file.driver=memory,file.filename={name},file.node-name={name}-file" + (backing is null ? "" : $",backing={backing}"));
        }

        FormatCow("image", "low");
        await _fixture.AddAsync("driver=pass-through,node-name=flt,file.driver=memory,file.filename=base,file.node-name=base,file.latency-ns-max=2000");
        await _fixture.AddAsync("driver=memory,filename=lone,node-name=lone");
        await _fixture.AddAsync(
            "driver=any-role,node-name=spare,file.driver=any-role,file.role=filtered,file.node-name=spare-file,file.file.driver=memory,file.file.filename=spare,file.file.node-name=spare-store");
        await _fixture.AddAsync(
            "driver=any-role,node-name=top,file.driver=any-role,file.role=filtered,file.node-name=top-file,file.file.driver=memory,file.file.filename=top,file.file.node-name=top-store,file.file.latency-ns-max=2000,backing=flt");
        await _fixture.AddAsync(
            "driver=quorum,node-name=quorum,vote-threshold=1,children.0.driver=memory,children.0.filename=c0,children.0.node-name=c0,children.1.driver=memory,children.1.filename=c1,children.1.node-name=c1");
        await _fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        Drive = await Graph.AttachBackendAsync(Node("top"), new BackendOptions { Name = "drive", ShareWrite = true, AllowsContextChange = true });
        Reader = await Graph.AttachBackendAsync(Node("flt"), new BackendOptions { Name = "reader", ReadOnly = true, AllowsContextChange = true });
        Idle = await Graph.AttachBackendAsync(Node("disk"), new BackendOptions { Name = "idle" });
        Empty = await Graph.CreateBackendAsync(new BackendOptions { Name = "empty" });
    }

    /// <summary>From now on <paramref name="onStep"/> hears of steps, the first being 0.</summary>
    public void Begin(Action<int> onStep)
    {
        Steps.Clear();
        _fixture.Roles.Log.Clear();
        OnStep = onStep;
    }

    /// <summary>Reads on two backends while the change is made; none is lost, none fails.</summary>
    public async Task LoadAsync()
    {
        for (int i = 0; i < 40; i++)
        {
            await Task.WhenAll(Drive.ReadAsync(i * 100, new byte[50]).AsTask(), Reader.ReadAsync(i * 100, new byte[50]).AsTask());
        }
    }

    /// <summary>What drivers have taken and neither kept nor given back, or given back in another order than in reverse; empty where there is nothing of it.</summary>
    public string FindLoose()
    {
        List<string> taken = [];
        foreach (string entry in _fixture.Roles.Log)
        {
            // "check top", "prepare reopen top"
            string verb = entry[..entry.IndexOf(' ', StringComparison.Ordinal)];
            string what = entry[(verb.Length + 1)..];
            switch (verb)
            {
                case "check" or "prepare":
                    taken.Add(what);
                    break;
                case "commit" when taken.Remove(what):
                    break;
                case "abort" when taken.FindLast(t => IsReopen(t) == IsReopen(what)) == what:
                    taken.RemoveAt(taken.LastIndexOf(what));
                    break;
                default:
                    return $"'{entry}' while there was: {string.Join(", ", taken)}";
            }
        }

        return string.Join(", ", taken);

        static bool IsReopen(string what) => what.StartsWith("reopen ", StringComparison.Ordinal);
    }

    public void Dispose() => _fixture.Dispose();

    private void FormatCow(string name, string? backing) => CowImage.Format(
        _fixture.Memory.Storage(name),
        new CowImageOptions(1 << 16) { BackingFileName = backing is null ? null : "memory:" + backing, BackingFormat = backing is null ? null : "cow" });

    private void TakeStep(string name)
    {
        if (OnStep is { } onStep)
        {
            int number = Steps.Count;
            Steps.Add(name);
            onStep(number);
        }
    }
}
