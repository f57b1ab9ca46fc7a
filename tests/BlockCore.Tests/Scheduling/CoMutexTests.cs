using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A lock that is awaited: in order, and handed over.</summary>
[TestFixture]
public sealed class CoMutexTests
{
    [Test]
    public void A_free_lock_is_taken_at_once_and_freed_by_leaving()
    {
        using PolledAioContext context = new("test");
        CoMutex mutex = new();
        context.Run(async () =>
        {
            ValueTask entering = mutex.EnterAsync();
            Assert.That(entering.IsCompletedSuccessfully, Is.True, "at once");
            await entering;
            Assert.That(mutex.IsHeld, Is.True, "held");
            mutex.Exit();
            Assert.That(mutex.IsHeld, Is.False, "free");
        });
    }

    [Test]
    public void The_lock_is_handed_over_in_order_and_never_free_in_between()
    {
        using PolledAioContext context = new("test");
        CoMutex mutex = new();
        List<int> order = [];
        context.Run(async () =>
        {
            await mutex.EnterAsync();
            Task[] others = [.. Enumerable.Range(0, 3).Select(async i =>
            {
                await mutex.EnterAsync();
                order.Add(i);
                mutex.Exit();
            })];
            mutex.Exit();
            Assert.That(mutex.IsHeld, Is.True, "it belongs to the next in line already");
            ValueTask latecomer = mutex.EnterAsync();
            Assert.That(latecomer.IsCompleted, Is.False, "who comes now stands behind them");
            await latecomer;
            order.Add(99);
            mutex.Exit();
            await Task.WhenAll(others);
        });
        Assert.That(order, Is.EqualTo(new[] { 0, 1, 2, 99 }), "the order of coming");
        Assert.That(mutex.IsHeld, Is.False, "free at last");
    }

    [Test]
    public async Task Two_threads_exclude_each_other()
    {
        const int rounds = 20_000;
        using IoThread first = new("first");
        using IoThread second = new("second");
        CoMutex mutex = new();
        long unguarded = 0;
        int inside = 0;
        async Task WorkAsync(AioContext home)
        {
            for (int i = 0; i < rounds; i++)
            {
                await mutex.EnterAsync();
                Assert.That(home.IsHome, Is.True, "each continues at its own home");
                Assert.That(++inside, Is.EqualTo(1), "one at a time");
                unguarded++;
                inside--;
                mutex.Exit();
            }
        }

        await Task.WhenAll(first.Context.RunAsync(() => WorkAsync(first.Context)), second.Context.RunAsync(() => WorkAsync(second.Context)));
        Assert.That(unguarded, Is.EqualTo(2 * rounds), "no increment was lost");
        Assert.That(mutex.IsHeld, Is.False, "free");
    }

    [Test]
    public void Leaving_a_free_lock_is_a_bug() =>
        Assert.That(() => new CoMutex().Exit(), Throws.TypeOf<InvariantViolationException>(), "refused");
}
