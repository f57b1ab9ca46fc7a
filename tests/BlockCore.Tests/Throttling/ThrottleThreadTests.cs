using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Real threads and real time, bounded by counts: nothing is lost, nothing hangs, nothing is allocated.</summary>
[TestFixture]
public sealed class ThrottleThreadTests
{
    private const int LoopCount = 4;
    private const int RequestCount = 2000;

    [Test]
    public async Task Two_threads_share_a_group_and_every_request_starts_once()
    {
        using IoThread first = new("io0");
        using IoThread second = new("io1");
        ThrottleGroup group = new("g", Limits(("iops-total", 50_000)));
        ThrottleGroupMember[] members = [group.AddMember(first.Context), group.AddMember(second.Context)];
        int[] waitCounts = new int[2];
        members[0].Waited = (_, _) => waitCounts[0]++;
        members[1].Waited = (_, _) => waitCounts[1]++;
        long[] counts = await Task.WhenAll(members.Select(member => member.Context!.RunAsync(() => HammerAsync(member))));

        Assert.That(counts, Is.All.EqualTo((long)LoopCount * RequestCount));
        Assert.That(waitCounts, Is.All.Positive, "the limit was felt on both threads");
        Assert.That(group.PendingCount(ThrottleDirection.Read) + group.PendingCount(ThrottleDirection.Write), Is.Zero);
    }

    [Test]
    public async Task Limits_change_members_drain_and_requests_are_cancelled_while_two_threads_run()
    {
        using IoThread first = new("io0");
        using IoThread second = new("io1");
        ThrottleGroup group = new("g", Limits(("iops-total", 50_000)));
        ThrottleGroupMember[] members = [group.AddMember(first.Context), group.AddMember(second.Context)];
        Task<long[]> hammering = Task.WhenAll(members.Select(member => member.Context!.RunAsync(() => HammerAsync(member))));
        using PolledAioContext control = new("control");
        control.Run(async () =>
        {
            for (int round = 0; !hammering.IsCompleted; round++)
            {
                ThrottleGroupMember member = members[round % 2];
                member.BeginDrain();
                group.SetConfig(round % 5 == 4 ? ThrottleConfig.Unlimited : Limits(("iops-total", 20_000 + (round % 7 * 10_000))), (ThrottleChangePolicy)(round % 3));
                group.AddMember(control).Leave();
                await CancelOneAsync(members[(round + 1) % 2]);
                member.EndDrain();
                await control.DelayAsync(200_000);
            }
        });

        Assert.That(await hammering, Is.All.EqualTo((long)LoopCount * RequestCount));
        Assert.That(group.PendingCount(ThrottleDirection.Read) + group.PendingCount(ThrottleDirection.Write), Is.Zero);
    }

    // root ── a ── member of the first thread
    //      └─ b ── member of the second
    [Test]
    public async Task A_tree_changes_in_every_way_while_two_threads_run()
    {
        using IoThread first = new("io0");
        using IoThread second = new("io1");
        ThrottleGroup root = new("root", Limits(("iops-total", 50_000)));
        ThrottleGroup[] children = [new ThrottleGroup("a", Limits(("iops-total", 40_000)), root), new ThrottleGroup("b", ThrottleConfig.Unlimited, root)];
        ThrottleGroupMember[] members = [children[0].AddMember(first.Context), children[1].AddMember(second.Context)];
        Task<long[]> hammering = Task.WhenAll(members.Select(member => member.Context!.RunAsync(() => HammerAsync(member))));
        using PolledAioContext control = new("control");
        control.Run(async () =>
        {
            for (int round = 0; !hammering.IsCompleted; round++)
            {
                ThrottleGroupMember member = members[round % 2];
                member.BeginDrain();
                ThrottleGroup changed = round % 3 == 2 ? root : children[round % 3];
                ThrottleConfig config = round % 5 == 4 ? ThrottleConfig.Unlimited : Limits(("iops-total", 20_000 + (round % 7 * 10_000)));
                changed.SetConfig(config with { IsFairByCost = round % 2 == 0, IsPaced = round % 11 == 0 }, (ThrottleChangePolicy)(round % 3));
                children[round % 2].SetShare(new ThrottleShare { Weight = 1 + (round % 4), LimitIops = round % 4 == 0 ? 30_000 : 0 });
                members[(round + 1) % 2].SetShare(round % 3 == 0 ? ThrottleShare.Default : new ThrottleShare { ReservationIops = 1000 });
                root.AddMember(control).Leave();
                await CancelOneAsync(members[(round + 1) % 2]);
                member.EndDrain();
                await control.DelayAsync(200_000);
            }
        });

        Assert.That(await hammering, Is.All.EqualTo((long)LoopCount * RequestCount));
        Assert.That(root.PendingCount(ThrottleDirection.Read) + root.PendingCount(ThrottleDirection.Write), Is.Zero);
    }

    [Test]
    public void A_tree_with_shares_allocates_nothing_in_the_steady_state()
    {
        using VirtualTimeScheduler scheduler = new();
        ThrottleGroup root = new("root", Limits(("iops-total", 1000)) with { IsFairByCost = true });
        ThrottleGroup child = new("child", Limits(("bps-total", 1_000_000)), root);
        ThrottleGroupMember[] members = [child.AddMember(scheduler.MainContext), child.AddMember(scheduler.MainContext)];
        members[0].SetShare(new ThrottleShare { Weight = 3, ReservationIops = 10, LimitIops = 5000 });
        long allocated = -1;
        scheduler.Run(async () =>
        {
            long before = 0;
            for (int count = 0; count < 600; count++)
            {
                before = count == 300 ? GC.GetAllocatedBytesForCurrentThread() : before;
                ValueTask waiting = members[0].WaitAsync(ThrottleDirection.Write, 100);
                await members[1].WaitAsync(ThrottleDirection.Write, 100);
                await waiting;
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });

        Assert.That(allocated, Is.Zero);
    }

    [Test]
    public void Admitting_allocates_nothing([Values(0, 1_000_000_000)] long iops)
    {
        using PolledAioContext context = new("test");
        ThrottleGroup group = new("g", Limits(("iops-total", iops)));
        ThrottleGroupMember member = group.AddMember(context);
        context.Run(() =>
        {
            Admit(member, 1000);
            long before = GC.GetAllocatedBytesForCurrentThread();
            int admitted = Admit(member, 1000);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            Assert.That((admitted, allocated), Is.EqualTo((1000, 0L)));
            return Task.CompletedTask;
        });
    }

    [Test]
    public void Waiting_allocates_nothing_in_the_steady_state()
    {
        using VirtualTimeScheduler scheduler = new();
        ThrottleGroup group = new("g", Limits(("iops-total", 1000)));
        ThrottleGroupMember member = group.AddMember(scheduler.MainContext);
        long allocated = -1;
        scheduler.Run(async () =>
        {
            for (int count = 0; count < 300; count++)
            {
                await member.WaitAsync(ThrottleDirection.Write, 1);
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int count = 0; count < 300; count++)
            {
                await member.WaitAsync(ThrottleDirection.Write, 1);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });

        Assert.That(allocated, Is.Zero);
    }

    [Test]
    public async Task Members_move_between_threads_while_the_other_runs()
    {
        using IoThread first = new("io0");
        using IoThread second = new("io1");
        ThrottleGroup group = new("g", Limits(("iops-total", 50_000)));
        ThrottleGroupMember steady = group.AddMember(first.Context);
        ThrottleGroupMember moving = group.AddMember(first.Context);
        Task<long> hammering = first.Context.RunAsync(() => HammerAsync(steady));
        IoThread[] homes = [first, second];
        for (int round = 0; round < 20; round++)
        {
            await moving.Context!.RunAsync(() => HammerAsync(moving, loopCount: 2, requestCount: 20));
            moving.Detach(moving.Context!);
            moving.Attach(homes[(round + 1) % 2].Context);
        }

        Assert.That(await hammering, Is.EqualTo((long)LoopCount * RequestCount));
        moving.Leave();
        steady.Leave();
        Assert.That(group.MemberCount, Is.Zero);
    }

    private static int Admit(ThrottleGroupMember member, int count)
    {
        int admitted = 0;
        for (; count > 0; count--)
        {
            admitted += member.TryAdmit(ThrottleDirection.Read, 4096) ? 1 : 0;
        }

        return admitted;
    }

    private static async Task<long> HammerAsync(ThrottleGroupMember member, int loopCount = LoopCount, int requestCount = RequestCount)
    {
        AioContext home = AioContext.Current!;
        long count = 0;
        await Task.WhenAll(Enumerable.Range(0, loopCount).Select(loop => LoopAsync((ThrottleDirection)(loop % 2))));
        return count;

        async Task LoopAsync(ThrottleDirection direction)
        {
            for (int request = 0; request < requestCount; request++)
            {
                if (!member.TryAdmit(direction, 512))
                {
                    await member.WaitAsync(direction, 512);
                }

                Assert.That(home.IsHome, Is.True, "came home");
                count++;
                if (request % 16 == 0)
                {
                    await home.YieldAsync();
                }
            }
        }
    }

    /// <summary>Submits a request on the member's own thread and cancels it from this one; it may win.</summary>
    private static async Task CancelOneAsync(ThrottleGroupMember member)
    {
        using CancellationTokenSource cancel = new();
        Task waiting = member.Context!.RunAsync(async () => await member.WaitAsync(ThrottleDirection.Read, 1, cancel.Token));
        await cancel.CancelAsync();
        try
        {
            await waiting;
        }
        catch (OperationCanceledException)
        {
            Assert.That(cancel.IsCancellationRequested, Is.True);
        }
    }
}
