using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>A graph with throttles in exact virtual time, and its groups as text.</summary>
internal sealed class ThrottleFixture : IDisposable
{
    private readonly GraphFixture _fixture;

    public ThrottleFixture(CompatibilityProfile? profile = null)
    {
        NodeGraphOptions options = new() { Profile = profile ?? CompatibilityProfile.Own };
        options.PseudoFileNames = JsonOptions.ParsePseudoFileName;
        options.PseudoFileNameWriter = PseudoFileName.Format;
        _fixture = new GraphFixture(new SimulationOptions { HasExactTime = true }, [new ThrottleFilterDriver(), new RawDriver(), new QuorumDriver()], options);
        _fixture.StepHook = name =>
        {
            Steps.Add(name);
            OnStep?.Invoke(Steps.Count - 1);
        };
        _fixture.Graph.Events.Subscribe<ThrottleLimitsChanged>(Changes.Add);
    }

    public NodeGraph Graph => _fixture.Graph;

    public GraphFixture World => _fixture;

    public ThrottleGroupRegistry Groups => Graph.ThrottleGroups;

    /// <summary>What was told of limits that a node has changed.</summary>
    public List<ThrottleLimitsChanged> Changes { get; } = [];

    /// <summary>The steps of operations since the list was cleared.</summary>
    public List<string> Steps { get; } = [];

    /// <summary>Called at each step with its number; may throw.</summary>
    public Action<int>? OnStep { get; set; }

    public static ThrottleLimitsUpdate Iops(long rate) => new() { ["iops-total"] = rate };

    public void Run(Func<Task> body) => _fixture.Run(body);

    public BlockNode Node(string name) => Graph.FindNode(name)!;

    public ThrottleGroupMember Member(string name) => ((ThrottleFilterInstance)Node(name).Instance).Member;

    /// <summary>Opens a throttle called <paramref name="name"/>, with <paramref name="options"/>, over storage of its own.</summary>
    public Task<BlockBackend> OpenAsync(string name, string options = "") => _fixture.OpenAsync(
        $"driver=throttle,node-name={name},discard=unmap,file.driver=memory,file.filename={name},file.zeroes=on" + (options.Length == 0 ? "" : "," + options));

    /// <summary>What a reopen asks for: of a node that keeps the rest, or, with <paramref name="isWhole"/>, of one that is described anew.</summary>
    public GraphEdit Reopen(string name, string options, bool isWhole = false)
    {
        OptionsDictionary asked = options.Length == 0 ? [] : GraphFixture.Options(options);
        if (isWhole)
        {
            asked["driver"] = "throttle";
        }

        return GraphEdit.Reopen(Node(name), asked, keepsOld: !isWhole);
    }

    public Task ReopenAsync(string name, string options, bool isWhole = false) => Graph.ApplyAsync(Reopen(name, options, isWhole));

    /// <summary>The text that a reopen is refused with.</summary>
    public async Task<string> RefusedAsync(params GraphEdit[] edits) => (await Failure.OfAsync(() => Graph.ApplyAsync(edits))).Message;

    /// <summary>Each group with its members and limits, in order of creation: <c>g(2): iops-total=10</c>.</summary>
    public string Describe() => string.Join("; ", Groups.Groups.Select(g =>
        $"{g.Name}({g.MemberCount}): {string.Join(',', g.Config.Values.Where(v => v.Value != (v.Key.EndsWith("-length", StringComparison.Ordinal) ? 1 : 0)).Select(v => $"{v.Key}={v.Value}"))}"));

    /// <summary>Everything that an operation which fails must leave as it was.</summary>
    public string Picture() => $"{Describe()}\n{string.Join(' ', Graph.Nodes.Where(n => n.Instance is ThrottleFilterInstance).Select(n => $"{n.Name}:{Member(n.Name).Group.Name}"))}\n{_fixture.Picture()}";

    public void Dispose() => _fixture.Dispose();
}
