using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A first-in first-out queue of waiters, woken through the ready queue.</summary>
[TestFixture]
public sealed class CoQueueTests
{
    private const int SmallStackBytes = 256 * 1024;
    private const int Crowd = 200_000;

    [Test]
    public void Waiters_are_woken_in_the_order_they_came()
    {
        using PolledAioContext context = new("test");
        CoQueue queue = new();
        List<int> order = [];
        context.Run(async () =>
        {
            Task[] waiters = [.. Enumerable.Range(0, 4).Select(i => WaitAsync(queue, () => order.Add(i)))];
            Assert.That(queue.Count, Is.EqualTo(4), "they wait");
            Assert.That(queue.WakeNext(), Is.True, "one is woken");
            Assert.That(order, Is.Empty, "not inside its waker");
            await waiters[0];
            Assert.That(order, Is.EqualTo(new[] { 0 }), "the one that waited longest");
            queue.WakeAll();
            await Task.WhenAll(waiters);
        });
        Assert.That(order, Is.EqualTo(new[] { 0, 1, 2, 3 }), "the order of coming");
        Assert.That(queue.WakeNext(), Is.False, "nobody waits any more");
    }

    [Test]
    public void Waking_everyone_means_those_who_wait_now()
    {
        using PolledAioContext context = new("test");
        CoQueue queue = new();
        context.Run(async () =>
        {
            int rounds = 0;
            Task waiter = Task.CompletedTask;
            async Task WaitTwiceAsync()
            {
                await queue.WaitAsync();
                rounds++;
                await queue.WaitAsync();
                rounds++;
            }

            waiter = WaitTwiceAsync();
            queue.WakeAll();
            await context.YieldAsync();
            await context.YieldAsync();
            Assert.That(rounds, Is.EqualTo(1), "who came back to wait is not woken by the same call");
            queue.WakeAll();
            await waiter;
        });
    }

    [Test]
    public void Two_hundred_thousand_waiters_cost_no_stack() => OtherThread.Run(
        () =>
        {
            using PolledAioContext context = new("test");
            CoQueue queue = new();
            int woken = 0;
            context.Run(async () =>
            {
                // Each wakes the next: were waking inline, they would nest.
                Task[] waiters = [.. Enumerable.Range(0, Crowd).Select(_ => WaitAsync(queue, () =>
                {
                    woken++;
                    queue.WakeNext();
                }))];
                queue.WakeNext();
                await Task.WhenAll(waiters);
            });
            Assert.That(woken, Is.EqualTo(Crowd), "all were woken");
        },
        SmallStackBytes);

    [Test]
    public void A_plain_thread_cannot_wait()
    {
        CoQueue queue = new();
        Assert.That(() => queue.WaitAsync().AsTask(), Throws.InvalidOperationException.With.Message.EqualTo("waiting needs a context"), "refused");
    }

    [Test]
    public void A_cancelled_waiter_leaves_the_queue_wherever_it_stands([Values(0, 1, 2)] int place)
    {
        using PolledAioContext context = new("test");
        CoQueue queue = new();
        List<int> order = [];
        using CancellationTokenSource source = new();
        context.Run(async () =>
        {
            Task[] waiters = [.. Enumerable.Range(0, 3).Select(i => WaitAsync(queue, () => order.Add(i), i == place ? source.Token : default))];
            source.Cancel();
            OperationCanceledException error = await Failure.OfAsync<OperationCanceledException>(() => waiters[place]);
            Assert.That(error.CancellationToken, Is.EqualTo(source.Token), "by its own token");
            Assert.That(queue.Count, Is.EqualTo(2), "the others wait on");
            queue.WakeAll();
            await Task.WhenAll(waiters.Where((_, i) => i != place));
        });
        Assert.That(order, Is.EqualTo(Enumerable.Range(0, 3).Where(i => i != place)), "in the order of coming");
    }

    [Test]
    public void Waiting_with_a_cancelled_token_does_not_queue()
    {
        using PolledAioContext context = new("test");
        CoQueue queue = new();
        context.Run(async () =>
        {
            await Failure.OfAsync<OperationCanceledException>(async () => await queue.WaitAsync(new CancellationToken(canceled: true)));
            Assert.That(queue.Count, Is.Zero, "nobody waits");
        });
    }

    private static async Task WaitAsync(CoQueue queue, Action onWoken, CancellationToken cancel = default)
    {
        await queue.WaitAsync(cancel);
        onWoken();
    }
}
