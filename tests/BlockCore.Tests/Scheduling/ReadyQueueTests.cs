using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>What a turn of a loop runs, in which order, and at which instant.</summary>
[TestFixture]
public sealed class ReadyQueueTests
{
    [Test]
    public void Work_runs_in_the_order_it_became_ready()
    {
        using PolledAioContext context = new("test");
        List<int> order = [];
        context.Run(async () =>
        {
            for (int i = 0; i < 5; i++)
            {
                int number = i;
                context.Ready(new CallbackWork(() => order.Add(number)));
            }

            await context.YieldAsync();
        });
        Assert.That(order, Is.EqualTo(new[] { 0, 1, 2, 3, 4 }), "first in, first out");
    }

    [Test]
    public void Work_queued_during_a_turn_runs_in_the_next()
    {
        using PolledAioContext context = new("test");
        List<string> order = [];
        context.Post(_ => order.Add("first"), null);
        context.Post(
            _ =>
            {
                order.Add("second");
                context.Ready(new CallbackWork(() => order.Add("queued by the second")));
            },
            null);
        Assert.That(context.Poll(mayBlock: false), Is.True, "the first turn had work");
        Assert.That(order, Is.EqualTo(new[] { "first", "second" }), "the snapshot");
        Assert.That(context.Poll(mayBlock: false), Is.True, "the second turn had work");
        Assert.That(order, Has.Count.EqualTo(3), "the next snapshot");
        Assert.That(context.Poll(mayBlock: false), Is.False, "nothing is left");
    }

    [Test]
    public void The_clock_is_sampled_at_most_once_a_turn()
    {
        TickingClock clock = new();
        using PolledAioContext context = new("test", clock);
        List<long> instants = [];
        for (int i = 0; i < 3; i++)
        {
            context.Post(_ => instants.Add(context.NowNs), null);
        }

        context.Poll(mayBlock: false);
        Assert.That(instants.Distinct().Count(), Is.EqualTo(1), "one instant for the whole turn");
        Assert.That(clock.ReadCount, Is.EqualTo(2), "one reading, beside that of the clock's origin");
        context.Post(_ => instants.Add(context.NowNs), null);
        context.Poll(mayBlock: false);
        Assert.That(instants[^1], Is.GreaterThan(instants[0]), "the next turn is later");
    }

    [Test]
    public void A_turn_that_nobody_asks_for_the_time_does_not_read_the_clock()
    {
        TickingClock clock = new();
        using PolledAioContext context = new("test", clock);
        long before = clock.ReadCount;
        context.Post(_ => { }, null);
        context.Poll(mayBlock: false);
        Assert.That(clock.ReadCount, Is.EqualTo(before), "readings");
    }

    [Test]
    public void A_clock_of_any_frequency_is_told_in_nanoseconds()
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new();
        using PolledAioContext context = new("test", clock);
        context.Run(async () =>
        {
            long before = context.NowNs;
            clock.Advance(TimeSpan.FromMicroseconds(7));
            await context.YieldAsync();
            Assert.That(context.NowNs - before, Is.EqualTo(7_000), "nanoseconds passed");
        });
    }

    [Test]
    public void Contexts_on_one_clock_agree_on_the_time()
    {
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new();
        using PolledAioContext first = new("first", clock);
        clock.Advance(TimeSpan.FromSeconds(3));
        using PolledAioContext second = new("second", clock);
        long firstNs = 0;
        long secondNs = 0;
        first.Post(_ => firstNs = first.NowNs, null);
        second.Post(_ => secondNs = second.NowNs, null);
        first.Poll(mayBlock: false);
        second.Poll(mayBlock: false);
        Assert.That(secondNs, Is.EqualTo(firstNs), "nanoseconds of the same instant");
    }

    [Test]
    public void The_context_is_current_while_it_runs_and_the_thread_is_as_before_afterwards()
    {
        using PolledAioContext outer = new("outer");
        using PolledAioContext inner = new("inner");
        Assert.That(AioContext.Current, Is.Null, "a plain thread has none");
        outer.Run(() =>
        {
            Assert.That(outer.IsHome, Is.True, "at home in the outer");
            inner.Run(() =>
            {
                Assert.That(AioContext.Current, Is.SameAs(inner), "the inner is entered");
                Assert.That(outer.IsHome, Is.False, "the outer is left");
                return Task.CompletedTask;
            });
            Assert.That(AioContext.Current, Is.SameAs(outer), "back in the outer");
            return Task.CompletedTask;
        });
        Assert.That(AioContext.Current, Is.Null, "back on the plain thread");
    }

    [Test]
    public void What_the_body_of_Run_throws_is_thrown_by_Run()
    {
        using PolledAioContext context = new("test");
        Assert.That(
            () => context.Run(async () =>
            {
                await context.YieldAsync();
                throw new NotSupportedException("on purpose");
            }),
            Throws.TypeOf<NotSupportedException>().With.Message.EqualTo("on purpose"),
            "the exception itself, not an aggregate");
        Assert.That(AioContext.Current, Is.Null, "the thread has left the context");
    }

    [Test]
    public void An_await_of_a_foreign_task_comes_home()
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            int thread = Environment.CurrentManagedThreadId;
            await Task.Run(() => { });
            Assert.That(context.IsHome, Is.True, "on the context");
            Assert.That(Environment.CurrentManagedThreadId, Is.EqualTo(thread), "on its thread");
        });
    }

    [Test]
    public void The_synchronization_context_runs_at_home_and_blocks_nobody()
    {
        using PolledAioContext context = new("test");
        SynchronizationContext home = null!;
        int count = 0;
        context.Run(() =>
        {
            home = SynchronizationContext.Current!;
            home.Send(_ => count++, null);
            Assert.That(home.CreateCopy(), Is.SameAs(home), "one of it");
            return Task.CompletedTask;
        });
        Assert.That(count, Is.EqualTo(1), "at home a send is a call");
        Assert.That(() => home.Send(_ => count++, null), Throws.TypeOf<NotSupportedException>(), "elsewhere it would block");
    }

    [Test]
    public void Ids_are_small_and_recycled()
    {
        int id;
        using (PolledAioContext first = new("first"))
        {
            id = first.Id;
        }

        using PolledAioContext second = new("second");
        Assert.That(second.Id, Is.LessThanOrEqualTo(id), "the number that was given back, or a smaller one");
        using PolledAioContext third = new("third");
        Assert.That(third.Id, Is.Not.EqualTo(second.Id), "no two live contexts share one");
    }
}
