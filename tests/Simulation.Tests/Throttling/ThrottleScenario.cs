using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Throttling;

/// <summary>
/// Two to eight throttles, in two groups, on two to four contexts, in exact virtual time, while limits change, drains come and go, nodes change groups and
/// contexts, and requests are cancelled. Each stands between two probes:
/// <code>backend -> in0 (probe) -> t0 (throttle) -> out0 (probe) -> null-co</code>
/// </summary>
internal sealed class ThrottleScenario : IDisposable
{
    private const int ChangeCount = 25;
    private const long StrideBytes = 16 * 1024;
    private const long WaitNsMax = 20_000_000_000;

    private readonly GraphFixture _fixture;
    private readonly SeededRandom _chance;
    private readonly List<AioContext> _contexts = [];
    private readonly List<BlockBackend> _backends = [];
    private readonly Dictionary<ThrottleGroup, ThrottleLedger> _ledgers = [];

    // By member and number of the request: its place in the order of coming, and when it came.
    private readonly Dictionary<(string Member, ThrottleDirection Direction, long Number), (int Place, long AtNs)> _waiting = [];
    private readonly Dictionary<(string Member, ThrottleDirection Direction), int> _lastPlace = [];
    // Many requests of each member, or a few of which many are cancelled: then members that nobody else wakes have the last word.
    private readonly int _requestCount;
    private readonly int _cancelledOneIn;
    private ThrottleChangePolicy _policy;
    private long _changedAtNs;
    private int _cameCount;
    private int _doneCount;
    private int _cancelledCount;

    public ThrottleScenario(int seed)
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = seed, HasExactTime = true }, [new ThrottleFilterDriver(), new NullCoDriver(), new ThrottleProbeDriver(OnPassed)]);
        _fixture.StepHook = name =>
        {
            if (name == "commit")
            {
                // What a node changes comes into force in this instant, by its own policy.
                (_policy, _changedAtNs) = (ThrottleChangePolicy.Scale, _fixture.Context.NowNs);
            }
        };
        _chance = new SeededRandom(unchecked((ulong)seed * 0x2545F4914F6CDD1D));
        (_requestCount, _cancelledOneIn) = _chance.OneIn(2) ? (40, 5) : (6, 2);
    }

    /// <summary>What was found, one line each.</summary>
    public List<string> Findings { get; } = [];

    /// <summary>How many requests were cancelled while they waited.</summary>
    public int CancelledCount => _cancelledCount;

    /// <summary>How many requests had to wait at a throttle.</summary>
    public int WaitedCount { get; private set; }

    public void Run() => _fixture.Run(async () =>
    {
        await BuildAsync();
        List<Task> actors = [ChangeNowAndThenAsync()];
        for (int i = 0; i < _backends.Count; i++)
        {
            BlockBackend backend = _backends[i];
            AioContext home = _contexts[_chance.Next(_contexts.Count)];
            actors.Add(home.RunAsync(() => SubmitAsync(home, backend)));
        }

        await Task.WhenAll(actors);
        Conclude();
        foreach (BlockBackend backend in _backends)
        {
            await backend.DisposeAsync();
        }
    });

    public void Dispose() => _fixture.Dispose();

    private async Task BuildAsync()
    {
        _contexts.AddRange(Enumerable.Range(0, 2 + _chance.Next(3)).Select(i => i == 0 ? _fixture.Context : _fixture.ContextOf($"io{i}")));
        foreach (string name in new[] { "g", "h" })
        {
            ThrottleGroup group = _fixture.Graph.ThrottleGroups.CreateObject(name, ThrottleLimitsUpdate.Replacing(NextConfig()));
            _ledgers.Add(group, new ThrottleLedger(group));
        }

        int memberCount = 2 + _chance.Next(7);
        for (int i = 0; i < memberCount; i++)
        {
            string options = $"driver=probe,node-name=in{i},discard=unmap,file.driver=throttle,file.node-name=t{i},file.throttle-group={AnyGroup()},"
                + $"file.file.driver=probe,file.file.node-name=out{i},file.file.file.driver=null-co,file.file.file.size=64M";
            BlockBackend backend = await _fixture.OpenAsync(options, new BackendOptions { AllowsContextChange = true });
            await backend.MoveAsync(_contexts[_chance.Next(_contexts.Count)]);
            _backends.Add(backend);
        }
    }

    private string AnyGroup() => _chance.OneIn(2) ? "g" : "h";

    // None is slower than twenty requests a second.
    private ThrottleConfig NextConfig() => _chance.Next(6) switch
    {
        0 => new ThrottleConfig { IopsTotal = new ThrottleLimits(20 + _chance.Next(100)) },
        1 => new ThrottleConfig { IopsRead = new ThrottleLimits(20 + _chance.Next(50)), IopsWrite = new ThrottleLimits(20 + _chance.Next(200)) },
        2 => new ThrottleConfig { BpsTotal = new ThrottleLimits(400_000, 900_000, 2) },
        3 => new ThrottleConfig { BpsTotal = new ThrottleLimits(500_000), IopsTotal = new ThrottleLimits(60, 80) },
        4 => new ThrottleConfig { BpsWrite = new ThrottleLimits(200_000), IopsRead = new ThrottleLimits(30) },
        _ => ThrottleConfig.Unlimited,
    };

    private async Task SubmitAsync(AioContext home, BlockBackend backend)
    {
        List<Task> requests = [];
        for (int i = 0; i < _requestCount; i++)
        {
            if (_chance.OneIn(3))
            {
                await home.DelayAsync(_chance.NextLong(60_000_000));
            }

            requests.Add(RequestAsync(home, backend, i));
        }

        await Task.WhenAll(requests);
    }

    private async Task RequestAsync(AioContext home, BlockBackend backend, int number)
    {
        using CancellationTokenSource source = new();
        Task canceller = _chance.OneIn(_cancelledOneIn) ? CancelAsync(home, source) : Task.CompletedTask;
        int length = 512 * (1 + _chance.Next(16));
        long offset = number * StrideBytes;
        try
        {
            await (_chance.Next(6) switch
            {
                0 => backend.WriteZeroesAsync(offset, length, cancel: source.Token),
                1 => backend.DiscardAsync(offset, length, source.Token),
                2 or 3 => backend.WriteAsync(offset, new byte[length], cancel: source.Token),
                _ => backend.ReadAsync(offset, new byte[length], cancel: source.Token),
            });
            _doneCount++;
        }
        catch (OperationCanceledException)
        {
            _cancelledCount++;
        }

        await canceller;
    }

    private async Task CancelAsync(AioContext home, CancellationTokenSource source)
    {
        await home.DelayAsync(_chance.NextLong(500_000_000));
        source.Cancel();
    }

    private async Task ChangeNowAndThenAsync()
    {
        for (int i = 0; i < ChangeCount; i++)
        {
            await _fixture.Context.DelayAsync(_chance.NextLong(100_000_000));
            await ChangeAsync();
            Look();
        }

        // Until all are through, or somebody is found who never will be.
        while (_doneCount + _cancelledCount < _backends.Count * _requestCount && Findings.Count == 0)
        {
            await _fixture.Context.DelayAsync(20_000_000);
            Look();
        }
    }

    private void Look()
    {
        foreach ((ThrottleGroup group, ThrottleLedger ledger) in _ledgers)
        {
            ledger.Follow(_policy, _changedAtNs);
            Expect(ledger.FindDifference(_fixture.Context.NowNs));
            Expect(ledger.FindStranded(_fixture.Context.NowNs));
            Expect(group.MemberCount == Members().Count(m => ReferenceEquals(m.Group, group)) ? null : $"group '{group.Name}' has {group.MemberCount} members");
        }
    }

    private async Task ChangeAsync()
    {
        BlockNode node = _fixture.Graph.FindNode($"t{_chance.Next(_backends.Count)}")!;
        BlockNode other = _fixture.Graph.FindNode($"t{_chance.Next(_backends.Count)}")!;
        switch (_chance.Next(6))
        {
            case 0:
                ThrottleGroup group = _fixture.Graph.ThrottleGroups.Find(AnyGroup())!;
                group.SetConfig(NextConfig(), _policy = (ThrottleChangePolicy)_chance.Next(3));
                _changedAtNs = _fixture.Context.NowNs;
                _ledgers[group].Follow(_policy, _changedAtNs);
                break;
            case 1:
                await using (await DrainScope.BeginAsync(node, _chance.OneIn(2) ? DrainReach.Node : DrainReach.Subtree))
                {
                    await _fixture.Context.DelayAsync(_chance.NextLong(50_000_000));
                }

                break;
            case 2:
                await _fixture.Graph.ApplyAsync(Reopen(node, $"throttle-group={AnyGroup()}"));
                break;
            case 3:
                OptionsDictionary options = new() { { "throttle-group", AnyGroup() } };
                foreach ((string key, long value) in ThrottleLimitsUpdate.Replacing(NextConfig()))
                {
                    options[$"limits.{key}"] = new OptionInteger(value);
                }

                await _fixture.Graph.ApplyAsync(GraphEdit.Reopen(node, options));
                break;
            case 4 when !ReferenceEquals(node, other):
                await _fixture.Graph.ApplyAsync(Reopen(node, $"throttle-group={MemberOf(other).Group.Name}"), Reopen(other, $"throttle-group={MemberOf(node).Group.Name}"));
                break;
            default:
                await _fixture.Graph.ApplyAsync(GraphEdit.Move(node, _contexts[_chance.Next(_contexts.Count)], isForced: true));
                break;
        }
    }

    private void OnPassed(ThrottlePassage passage)
    {
        string member = "t" + passage.Node.Name[(passage.Node.Name[0] == 'i' ? 2 : 3)..];
        (string, ThrottleDirection Direction, long) request = (member, passage.Direction, passage.Offset / StrideBytes);
        long nowNs = passage.Node.Context.NowNs;
        if (passage.Node.Name[0] == 'i')
        {
            _waiting.Add(request, (_cameCount++, nowNs));
            return;
        }

        bool isKnown = _waiting.Remove(request, out (int Place, long AtNs) coming);
        Expect(isKnown ? null : $"{request} is admitted twice, or never came");
        Expect(coming.Place >= _lastPlace.GetValueOrDefault((member, passage.Direction), -1) ? null : $"{request} has overtaken another of its own");
        Expect(nowNs - coming.AtNs <= WaitNsMax ? null : $"{request} has waited {(nowNs - coming.AtNs) / 1_000_000} ms");
        _lastPlace[(member, passage.Direction)] = coming.Place;
        WaitedCount += nowNs > coming.AtNs ? 1 : 0;
        ThrottleGroupMember place = MemberOf(_fixture.Graph.FindNode(member)!);
        ThrottleLedger ledger = _ledgers[place.Group];
        ledger.Follow(_policy, _changedAtNs);
        Expect(ledger.Admit(passage.Direction, passage.LengthBytes, place.IsDrainingUnsynchronized, nowNs));
    }

    private void Conclude()
    {
        int admittedCount = _ledgers.Values.Sum(l => l.AdmittedCount);
        Expect(_doneCount + _cancelledCount == _backends.Count * _requestCount ? null : $"{_doneCount} requests are done and {_cancelledCount} cancelled, of {_backends.Count * _requestCount}");
        Expect(admittedCount >= _doneCount && admittedCount + _waiting.Count == _cameCount ? null : $"{_cameCount} requests came, {admittedCount} were admitted, {_waiting.Count} cancelled");
        foreach (ThrottleGroupMember member in Members())
        {
            Expect(member.PendingCount(ThrottleDirection.Read) + member.PendingCount(ThrottleDirection.Write) == 0 ? null : "something still waits at the end");
            Expect(member.IsDrainingUnsynchronized ? "a member is still drained at the end" : null);
        }
    }

    private IEnumerable<ThrottleGroupMember> Members() => Enumerable.Range(0, _backends.Count).Select(i => MemberOf(_fixture.Graph.FindNode($"t{i}")!));

    private static ThrottleGroupMember MemberOf(BlockNode node) => ((ThrottleFilterInstance)node.Instance).Member;

    private static GraphEdit Reopen(BlockNode node, string changes) => GraphEdit.Reopen(node, GraphFixture.Options(changes));

    private void Expect(string? finding)
    {
        if (finding is not null)
        {
            Findings.Add(finding);
        }
    }
}
