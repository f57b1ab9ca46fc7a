using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Cancelling a wait races with its end; either may win, and exactly one does.</summary>
[TestFixture]
public sealed class CancellationTests
{
    [Test]
    public void A_cancelled_delay_ends_at_once_and_its_timer_is_gone()
    {
        using VirtualTimeScheduler world = new();
        using CancellationTokenSource source = new();
        world.Run(async () =>
        {
            Task delay = world.MainContext.DelayAsync(1_000_000, source.Token).AsTask();
            source.Cancel();
            OperationCanceledException error = await Failure.OfAsync<OperationCanceledException>(() => delay);
            Assert.That(error.CancellationToken, Is.EqualTo(source.Token), "by its token");
        });
        Assert.That(world.NowNs, Is.Zero, "no time passed");
        Assert.That(world.MainContext.NextDeadlineNs, Is.Null, "no timer is left");
    }

    [Test]
    public void A_delay_with_a_cancelled_token_does_not_begin()
    {
        using VirtualTimeScheduler world = new();
        world.Run(async () =>
        {
            await Failure.OfAsync<OperationCanceledException>(async () => await world.MainContext.DelayAsync(1, new CancellationToken(canceled: true)));
            Assert.That(world.MainContext.NextDeadlineNs, Is.Null, "no timer was armed");
        });
    }

    [Test]
    public void A_cancellation_after_the_end_means_nothing_to_the_next_user_of_the_pooled_operation()
    {
        using VirtualTimeScheduler world = new();
        using CancellationTokenSource source = new();
        world.Run(async () =>
        {
            await world.MainContext.DelayAsync(10, source.Token);
            Task next = world.MainContext.DelayAsync(10).AsTask();
            source.Cancel();
            await next;
        });
        Assert.That(world.NowNs, Is.EqualTo(20), "both delays ran their time");
    }

    [Test]
    public void Of_a_delay_and_its_cancellation_exactly_one_wins()
    {
        int endedCount = 0;
        int cancelledCount = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            using Simulation world = new(new SimulationOptions { Seed = seed, LatenessNsMax = 3 });
            using CancellationTokenSource source = new();
            world.Run(async () =>
            {
                Task cancelling = CancelAfterAsync(world.MainContext, 100, source);
                Task delay = world.MainContext.DelayAsync(100, source.Token).AsTask();
                await cancelling;
                Count(await HasEndedAsync(delay), ref endedCount, ref cancelledCount);
                await world.MainContext.DelayAsync(100);
            });
        }

        Assert.That(endedCount, Is.Positive, "the delay won under some seeds");
        Assert.That(cancelledCount, Is.Positive, "the cancellation won under others");
    }

    [Test]
    public void Of_a_wake_up_and_a_cancellation_in_one_turn_exactly_one_wins_and_the_wake_up_is_not_lost()
    {
        int wokenCount = 0;
        int cancelledCount = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            using Simulation world = new(new SimulationOptions { Seed = seed, HasExactTime = true });
            using CancellationTokenSource source = new();
            CoQueue queue = new();
            world.Run(async () =>
            {
                Task waiter = queue.WaitAsync(source.Token).AsTask();
                Task cancelling = CancelAfterAsync(world.MainContext, 100, source);
                await world.MainContext.DelayAsync(100);
                bool isWoken = queue.WakeNext();
                await cancelling;
                Assert.That(await HasEndedAsync(waiter), Is.EqualTo(isWoken), $"seed {seed}: who was woken goes on, who was not is cancelled");
                Count(isWoken, ref wokenCount, ref cancelledCount);
                Assert.That(queue.Count, Is.Zero, $"seed {seed}: nobody is left");
            });
        }

        Assert.That(wokenCount, Is.Positive, "the wake-up won under some seeds");
        Assert.That(cancelledCount, Is.Positive, "the cancellation won under others");
    }

    [Test]
    public void A_wait_is_cancelled_from_any_thread()
    {
        using PolledAioContext context = new("test");
        using IoThread other = new("other");
        CoQueue queue = new();
        context.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                using CancellationTokenSource source = new();
                Task waiter = queue.WaitAsync(source.Token).AsTask();
                other.Context.Post(static state => ((CancellationTokenSource)state!).Cancel(), source);
                await Failure.OfAsync<OperationCanceledException>(() => waiter);
                Assert.That(context.IsHome, Is.True, "the waiter continues at home");
            }
        });
        Assert.That(queue.Count, Is.Zero, "nobody is left");
    }

    [Test]
    public void A_cancellation_beside_the_end_of_the_wait_is_never_heard_after_it()
    {
        using PolledAioContext context = new("test");
        using IoThread other = new("other");
        bool isWaiting = false;
        int lateCount = 0;
        CancellationHook hook = new(context, _ => lateCount += isWaiting ? 0 : 1);
        context.Run(async () =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                using CancellationTokenSource source = new();
                (CancellationTokenSource Source, ManualResetEventSlim Ready, ManualResetEventSlim Done) race = (source, new(), new());
                isWaiting = true;
                hook.Register(source.Token);
                other.Context.Post(static state => CancelOnce(((CancellationTokenSource, ManualResetEventSlim, ManualResetEventSlim))state!), race);
                race.Ready.Wait();
                Thread.SpinWait(i % 100);
                hook.Unregister();
                isWaiting = false;
                race.Done.Wait();
                await context.YieldAsync();
                await context.YieldAsync();
            }
        });
        Assert.That(lateCount, Is.Zero, "the hook may serve another wait by then");
    }

    private static void CancelOnce((CancellationTokenSource Source, ManualResetEventSlim Ready, ManualResetEventSlim Done) race)
    {
        race.Ready.Set();
        race.Source.Cancel();
        race.Done.Set();
    }

    private static void Count(bool isFirst, ref int first, ref int second)
    {
        if (isFirst)
        {
            first++;
        }
        else
        {
            second++;
        }
    }

    private static async Task CancelAfterAsync(AioContext context, long delayNs, CancellationTokenSource source)
    {
        await context.DelayAsync(delayNs);
        source.Cancel();
    }

    private static async Task<bool> HasEndedAsync(Task task)
    {
        try
        {
            await task;
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
