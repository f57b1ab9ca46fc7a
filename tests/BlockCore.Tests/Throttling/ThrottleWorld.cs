using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>A group whose members submit requests in virtual time, and a record of when each was admitted.</summary>
internal sealed class ThrottleWorld : IDisposable
{
    private readonly List<long> _admittedAtNs = [];

    public ThrottleWorld(ThrottleConfig config, int memberCount, bool isSpread = false)
    {
        Group = new ThrottleGroup("g", config);
        for (int index = 0; index < memberCount; index++)
        {
            VirtualTimeAioContext context = isSpread && index > 0 ? Scheduler.CreateContext($"io{index}") : Scheduler.MainContext;
            Members.Add(Group.AddMember(context));
        }
    }

    public VirtualTimeScheduler Scheduler { get; } = new() { StepCountMax = 1_000_000 };

    public ThrottleGroup Group { get; }

    public List<ThrottleGroupMember> Members { get; } = [];

    /// <summary>When each request was admitted, in order of submission; -1 while it waits.</summary>
    public IReadOnlyList<long> AdmittedAtNs => _admittedAtNs;

    /// <summary>The requests in the order they were admitted.</summary>
    public List<int> Order { get; } = [];

    public static ThrottleConfig Limits(params (string Key, long Value)[] values)
    {
        ThrottleLimitsUpdate update = new();
        foreach ((string key, long value) in values)
        {
            update[key] = value;
        }

        return ThrottleConfig.Unlimited.Merge(update);
    }

    /// <summary>Runs <paramref name="action"/> on <paramref name="member"/>'s loop at <paramref name="atNs"/>.</summary>
    public static void At(long atNs, ThrottleGroupMember member, Action action) =>
        member.Context!.Post(_ => Start(atNs, member.Context!, action), null);

    /// <summary>Submits a request at <paramref name="atNs"/>; returns its number.</summary>
    public int Submit(ThrottleGroupMember member, long atNs = 0, ThrottleDirection direction = ThrottleDirection.Read, long bytes = 512, CancellationToken cancel = default)
    {
        int number = _admittedAtNs.Count;
        _admittedAtNs.Add(-1);
        At(atNs, member, () => Begin(number, member, direction, bytes, cancel));
        return number;
    }

    /// <summary>The same, for a request that may wait for too long: then it counts as admitted at -3.</summary>
    public int SubmitOrFail(ThrottleGroupMember member, long atNs = 0)
    {
        int number = _admittedAtNs.Count;
        _admittedAtNs.Add(-1);
        At(atNs, member, () => BeginOrFail(number, member));
        return number;
    }

    public int[] SubmitMany(int count, ThrottleGroupMember member, long atNs = 0, ThrottleDirection direction = ThrottleDirection.Read, long bytes = 512) =>
        [.. Enumerable.Range(0, count).Select(_ => Submit(member, atNs, direction, bytes))];

    /// <summary>A new member of <paramref name="group"/>, on the main context.</summary>
    public ThrottleGroupMember AddMember(ThrottleGroup group)
    {
        Members.Add(group.AddMember(Scheduler.MainContext));
        return Members[^1];
    }

    /// <summary>A new member, on the main context, of a new group with <paramref name="config"/> below the world's.</summary>
    public ThrottleGroupMember AddMemberBelow(ThrottleConfig config) => AddMember(new ThrottleGroup($"g{Members.Count}", config, Group));

    /// <summary>When each of <paramref name="requests"/> was admitted, in whole milliseconds.</summary>
    public long[] TimesMs(IEnumerable<int> requests) => [.. requests.Select(request => (AdmittedAtNs[request] + 500) / 1_000_000)];

    /// <summary>How many of <paramref name="requests"/> were admitted by <paramref name="untilNs"/>.</summary>
    public int CountUntil(IEnumerable<int> requests, long untilNs) => requests.Count(request => AdmittedAtNs[request] >= 0 && AdmittedAtNs[request] <= untilNs);

    public void Run() => Scheduler.RunUntilIdle();

    /// <summary>Runs until the clock stands at <paramref name="untilNs"/> and everything of that instant is done.</summary>
    public void RunUntil(long untilNs)
    {
        bool isThere = false;
        At(untilNs, Members[0], () => isThere = true);
        while (!isThere)
        {
            Assert.That(Scheduler.TryStep(), Is.True, "the world stood still");
        }
    }

    public void Dispose() => Scheduler.Dispose();

    private static async void Start(long atNs, AioContext context, Action action)
    {
        if (atNs > context.NowNs)
        {
            await context.DelayAsync(atNs - context.NowNs);
        }

        action();
    }

    private async void Begin(int number, ThrottleGroupMember member, ThrottleDirection direction, long bytes, CancellationToken cancel)
    {
        try
        {
            if (!member.TryAdmit(direction, bytes))
            {
                await member.WaitAsync(direction, bytes, cancel);
            }

            _admittedAtNs[number] = Scheduler.NowNs;
            Order.Add(number);
        }
        catch (OperationCanceledException)
        {
            _admittedAtNs[number] = -2;
        }
    }

    private async void BeginOrFail(int number, ThrottleGroupMember member)
    {
        try
        {
            await member.WaitAsync(ThrottleDirection.Read, 512);
            _admittedAtNs[number] = Scheduler.NowNs;
        }
        catch (BlockException exception) when (exception.Kind == BlockErrorKind.ThrottleTimeout)
        {
            _admittedAtNs[number] = -3;
        }
    }
}
