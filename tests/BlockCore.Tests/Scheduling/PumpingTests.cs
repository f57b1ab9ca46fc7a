using System.IO.Pipes;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using Microsoft.Extensions.Time.Testing;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A context inside somebody else's loop, and descriptors inside ours.</summary>
[TestFixture]
public sealed class PumpingTests
{
    [Test]
    public void An_embedder_needs_only_the_deadline_and_Poll()
    {
        FakeTimeProvider clock = new();
        using PolledAioContext context = new("test", clock);
        bool isDone = false;
        context.Post(
            async _ =>
            {
                await context.DelayAsync(250_000);
                await context.DelayAsync(750_000);
                isDone = true;
            },
            null);
        long start = clock.GetTimestamp();
        long nowNs = 0;
        while (!isDone)
        {
            while (context.Poll(mayBlock: false))
            {
            }

            if (context.NextDeadlineNs is { } deadline)
            {
                context.Post(_ => nowNs = context.NowNs, null);
                context.Poll(mayBlock: false);
                clock.Advance(TimeSpan.FromTicks((deadline - nowNs) / 100));
            }
        }

        Assert.That((clock.GetTimestamp() - start) * 100, Is.EqualTo(1_000_000), "no more time passed than was waited for");
    }

    [Test]
    public void A_loop_that_blocks_on_a_clock_of_somebody_elses_is_rung_by_it()
    {
        FakeTimeProvider clock = new();
        using PolledAioContext context = new("test", clock);
        using IoThread hand = new("hand of the clock");
        bool isOver = false;
        context.Run(async () =>
        {
            // The other thread turns the clock on and on; this loop has nothing to wake it but the clock's alarm.
            Task turning = hand.Context.RunAsync(async () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    clock.Advance(TimeSpan.FromMilliseconds(1));
                    await hand.Context.YieldAsync();
                }
            });
            long before = context.NowNs;
            await context.DelayAsync(5_000_000);
            await context.DelayAsync(5_000_000);
            Assert.That(context.NowNs - before, Is.GreaterThanOrEqualTo(10_000_000), "both delays passed on the foreign clock");
            Volatile.Write(ref isOver, true);
            await turning;
        });
    }

    [Test]
    [Platform("Linux")]
    public void The_poll_descriptor_tells_an_outer_loop_when_to_pump()
    {
        // outer loop -- watches --> poll descriptor of the inner one
        using PolledAioContext outer = new("outer", platform: HostPlatform.Linux);
        using PolledAioContext inner = new("inner", platform: HostPlatform.Linux);
        outer.Run(async () =>
        {
            ManualOperation pumped = new(outer);
            ValueTask task = pumped.Task;
            int ran = 0;
            CallbackHandler pump = new(inner.PollDescriptor, DescriptorEvents.Readable, () =>
            {
                while (inner.Poll(mayBlock: false))
                {
                }

                if (ran == 1)
                {
                    ran++;
                    outer.Send(pumped);
                }
            });
            Assert.That(inner.Poll(mayBlock: false), Is.False, "the inner loop is idle and announces it");
            outer.Watch(pump);
            OtherThread.Run(() => inner.Post(_ => ran++, null));
            await task;
            outer.Unwatch(pump);
            Assert.That(ran, Is.EqualTo(2), "the inner work ran inside the outer loop");
        });
    }

    [Test]
    [Platform("Linux")]
    public void A_handler_runs_while_its_descriptor_is_ready()
    {
        using PolledAioContext context = new("test", platform: HostPlatform.Linux);
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        using AnonymousPipeClientStream reader = new(PipeDirection.In, writer.ClientSafePipeHandle);
        byte[] one = new byte[1];
        List<int> received = [];
        context.Run(async () =>
        {
            ManualOperation second = new(context);
            ValueTask task = second.Task;
            CallbackHandler handler = new(reader.SafePipeHandle.DangerousGetHandle().ToInt32(), DescriptorEvents.Readable, () =>
            {
                // Level-triggered: one byte at a time, and it is called again for the next.
                received.Add(reader.Read(one) == 1 ? one[0] : -1);
                if (received.Count == 2)
                {
                    context.Send(second);
                }
            });
            context.Watch(handler);
            OtherThread.Run(() => writer.Write([11, 22]));
            await task;
            context.Unwatch(handler);
            context.Unwatch(handler);
            writer.Write([33]);
            await context.YieldAsync();
            await context.YieldAsync();
        });
        Assert.That(received, Is.EqualTo(new[] { 11, 22 }), "what came while it was watched");
    }

    [Test]
    [Platform("Linux")]
    public void A_handler_unwatched_after_it_became_ready_does_not_run()
    {
        using PolledAioContext context = new("test", platform: HostPlatform.Linux);
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        CallbackHandler first = null!;
        CallbackHandler second = null!;
        int runCount = 0;
        using AnonymousPipeServerStream otherWriter = new(PipeDirection.Out);

        // Both become ready in one turn; whichever runs first ends the watch of both.
        void OnReady()
        {
            runCount++;
            context.Unwatch(first);
            context.Unwatch(second);
        }

        first = new(writer.SafePipeHandle.DangerousGetHandle().ToInt32(), DescriptorEvents.Writable, OnReady);
        second = new(otherWriter.SafePipeHandle.DangerousGetHandle().ToInt32(), DescriptorEvents.Writable, OnReady);
        context.Post(
            _ =>
            {
                context.Watch(first);
                context.Watch(second);
            },
            null);
        while (context.Poll(mayBlock: false))
        {
        }

        Assert.That(runCount, Is.EqualTo(1), "the other was ended before it ran");
    }

    [Test]
    [Platform("Linux")]
    public void A_busy_loop_does_not_starve_its_descriptors()
    {
        using PolledAioContext context = new("test", platform: HostPlatform.Linux);
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        bool isReady = false;
        context.Run(async () =>
        {
            CallbackHandler handler = new(writer.SafePipeHandle.DangerousGetHandle().ToInt32(), DescriptorEvents.Writable, () => isReady = true);
            context.Watch(handler);
            for (int i = 0; i < 10 && !isReady; i++)
            {
                await context.YieldAsync();
            }

            context.Unwatch(handler);
        });
        Assert.That(isReady, Is.True, "served between turns that never end");
    }

    [Test]
    [Platform("Linux")]
    public void A_descriptor_that_cannot_be_watched_is_refused()
    {
        using PolledAioContext context = new("test", platform: HostPlatform.Linux);
        Assert.That(
            () => context.Watch(new CallbackHandler(-1, DescriptorEvents.Readable, () => { })),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("Cannot watch descriptor -1 (errno 9)"),
            "bad descriptor");
    }
}
