using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Calls that block their thread: from any thread that runs no context, and refused at once on any that does.</summary>
[TestFixture]
public sealed class BlockingRequestsTests
{
    private readonly MemoryProtocol _memory = new();
    private ArrivalProtocol _arrivals = null!;
    private MainLoop _loop = null!;
    private NodeGraph _graph = null!;
    private BlockBackend _backend = null!;

    [SetUp]
    public async Task SetUp()
    {
        _arrivals = new ArrivalProtocol();
        _loop = MainLoop.Start();
        _graph = new NodeGraph(_loop, [_memory, _arrivals]);
        _backend = await _graph.OpenAsync(GraphFixture.Options($"driver=memory,filename={TestContext.CurrentContext.Test.ID},discard=unmap"));
    }

    [TearDown]
    public async Task TearDown()
    {
        await _graph.DisposeAsync();
        _loop.Dispose();
        _arrivals.Dispose();
    }

    [Test]
    public void Every_request_can_block([Values] bool isElsewhere) => OtherThread.Run(() =>
    {
        // The node is at home in the main context, or in a thread of its own.
        using IoThread thread = new("io");
        BlockingRequests blocking = _backend.Blocking;
        if (isElsewhere)
        {
            _loop.Context.RunBlocking(async () =>
            {
                await _backend.MoveAsync(thread.Context);
                return true;
            });
        }

        blocking.Write(100, [1, 2, 3]);
        blocking.Write(103, new IoVector(new IoSegments(new byte[] { 4 }, new byte[] { 5 })));
        blocking.WriteZeroes(101, 1);
        blocking.Discard(102, 1);
        blocking.Flush();
        Span<byte> read = stackalloc byte[6];
        blocking.Read(99, read);
        Assert.That(read.ToArray(), Is.EqualTo(new byte[] { 0, 1, 0, 0, 4, 5 }), "the bytes");
        byte[] array = new byte[2];
        blocking.Read(103, array);
        Assert.That(array, Is.EqualTo(new byte[] { 4, 5 }), "an array");
        blocking.Read(1 << 20, []);
        Assert.That(blocking.GetStatus(0, 10).LengthBytes, Is.EqualTo(10), "status");
        Assert.That(blocking.GetStatusAbove(0, 10).Depth, Is.EqualTo(1), "status of the chain");
        blocking.CopyRange(0, _backend, 4096, 16);
        blocking.Truncate(4096);
        Assert.That(_backend.LengthBytes, Is.EqualTo(4096), "the length");
        Assert.That(() => blocking.Check(), Throws.TypeOf<BlockException>(), "memory has nothing to check");
        foreach ((long offset, long length) in new[] { (-1L, 1L), (0L, -1L), (4096L, 1L), (1L, long.MaxValue) })
        {
            Assert.That(() => blocking.WriteZeroes(offset, length), Throws.TypeOf<BlockException>().With.Property("Kind").EqualTo(BlockErrorKind.InputOutput), $"{offset}+{length}");
        }

        Assert.That(() => blocking.Read(4095, new byte[2]), Throws.TypeOf<BlockException>().With.Property("Kind").EqualTo(BlockErrorKind.InputOutput), "beyond the end");
        blocking.Close();
        Assert.That(() => blocking.Flush(), Throws.TypeOf<BlockException>().With.Property("Kind").EqualTo(BlockErrorKind.NoMedium), "closed");
    });

    [Test]
    public async Task A_thread_that_runs_a_context_is_refused_at_once()
    {
        using IoThread thread = new("io");
        foreach (AioContext context in new[] { _loop.Context, thread.Context })
        {
            await context.RunAsync(() =>
            {
                foreach (Action call in Calls(_backend.Blocking))
                {
                    Assert.That(
                        call,
                        Throws.InvalidOperationException.With.Message.EqualTo($"A blocking call on the thread that runs context '{context.Name}' would wait for itself: await the asynchronous one instead"),
                        context.Name);
                }

                return Task.CompletedTask;
            });
        }

        OtherThread.Run(() => _backend.Blocking.Flush());
    }

    [Test]
    public void A_thread_that_pumps_the_context_is_refused_between_two_turns() => OtherThread.Run(() =>
    {
        using PolledAioContext context = new("emulator");
        NodeGraph graph = new(MainLoop.Pumped(context), [_memory]);
        BlockBackend? backend = null;
        context.Run(async () => backend = await graph.OpenAsync(GraphFixture.Options("driver=memory,filename=pumped")));
        Assert.That(
            () => backend!.Blocking.Flush(),
            Throws.InvalidOperationException.With.Message.EqualTo("A blocking call on the thread that pumps context 'emulator' would wait for itself: run the context and await the asynchronous one instead"),
            "nobody else runs the loop");

        // Another thread may block while this one pumps.
        bool isDone = false;
        Thread other = new(() =>
        {
            backend!.Blocking.Write(0, [7]);
            context.Post(_ => isDone = true, null);
        });
        other.Start();
        while (!isDone)
        {
            context.Poll(mayBlock: true);
        }

        other.Join();
        Assert.That(_memory.Storage("pumped").Bytes[0], Is.EqualTo(7), "written");
        context.Run(async () => await graph.DisposeAsync());
    });

    [Test]
    public void Neither_a_synchronization_context_nor_a_scheduler_that_sleeps_with_the_caller_matters() => OtherThread.Run(() =>
    {
        SynchronizationContext.SetSynchronizationContext(new SleepingContext());
        foreach (Action call in Calls(_backend.Blocking))
        {
            Assert.That(call, Throws.Nothing, "under a context that runs nothing while it waits");
        }

        Assert.That(SynchronizationContext.Current, Is.TypeOf<SleepingContext>(), "the caller's is as it was");
        SynchronizationContext.SetSynchronizationContext(null);
        ConcurrentExclusiveSchedulerPair pair = new();
        Task.Factory.StartNew(() => _backend.Blocking.Write(0, [1]), CancellationToken.None, TaskCreationOptions.None, pair.ExclusiveScheduler).Wait();
    });

    [Test]
    public async Task An_interruption_waits_for_the_end_of_the_call()
    {
        await using BlockBackend backend = await _graph.OpenAsync(GraphFixture.Options("driver=arrival"));
        byte[] seen = new byte[4];
        Exception? after = null;
        Thread reader = new(() =>
        {
            Span<byte> buffer = stackalloc byte[4];
            backend.Blocking.Read(0, buffer);
            buffer.CopyTo(seen);
            try
            {
                Thread.CurrentThread.Join(0);
            }
            catch (ThreadInterruptedException interruption)
            {
                after = interruption;
            }
        });
        reader.Start();
        _arrivals.WaitForRead();
        reader.Interrupt();
        reader.Interrupt();
        _arrivals.Complete(9);
        reader.Join();
        Assert.That(seen, Has.All.EqualTo(9), "the caller's memory was kept until the storage had filled it");
        Assert.That(() => _arrivals.Buffer.Fill(1), Throws.TypeOf<ObjectDisposedException>(), "which has lost it then");
        Assert.That(after, Is.TypeOf<ThreadInterruptedException>(), "and the interruption came afterwards");
    }

    [Test]
    public void Nobody_waits_for_a_loop_that_has_ended()
    {
        MainLoop loop = MainLoop.Start();
        loop.Dispose();
        OtherThread.Run(() => Assert.That(() => loop.Context.RunBlocking(() => new ValueTask<int>(1)), Throws.TypeOf<ObjectDisposedException>(), "it would wait for ever"));
    }

    [Test]
    public async Task Many_threads_block_while_the_backend_moves()
    {
        const int ThreadCount = 3;
        const int RoundCount = 300;
        using IoThread one = new("one");
        using IoThread two = new("two");
        BlockBackend backend = await _graph.OpenAsync(GraphFixture.Options("driver=memory,filename=moving"));
        int left = ThreadCount;
        Thread[] threads = [.. Enumerable.Range(0, ThreadCount).Select(i => new Thread(() =>
        {
            for (int round = 0; round < RoundCount; round++)
            {
                int at = (i * RoundCount) + round;
                backend.Blocking.Write(at, [(byte)(1 + (at % 255))]);
            }

            Interlocked.Decrement(ref left);
        }))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        while (Volatile.Read(ref left) > 0)
        {
            await backend.MoveAsync(one.Context);
            await backend.MoveAsync(two.Context);
        }

        Array.ForEach(threads, t => t.Join());
        await backend.MoveAsync(_loop.Context);
        Assert.That(_memory.Storage("moving").Bytes.Take(ThreadCount * RoundCount).Select((b, at) => b == 1 + (at % 255)), Has.All.True, "every byte");
        Assert.That(_memory.Storage("moving").Log, Has.Count.EqualTo(ThreadCount * RoundCount), "each write once");
        Assert.That((backend.GetCounters(RequestKind.Write).OperationCount, backend.InFlightCount), Is.EqualTo((ThreadCount * RoundCount, 0)), "and counted once");
        await backend.DisposeAsync();
    }

    private static Action[] Calls(BlockingRequests blocking) =>
    [
        () => blocking.Read(0, new byte[1]),
        () => blocking.Read(0, new byte[1].AsSpan()),
        () => blocking.Write(0, new byte[1]),
        () => blocking.Write(0, [1]),
        () => blocking.WriteZeroes(0, 1),
        () => blocking.Discard(0, 1),
        blocking.Flush,
        () => blocking.GetStatus(0, 1),
        () => blocking.Truncate(1 << 20),
    ];

    /// <summary>What a user interface has: it runs nothing while its thread sleeps.</summary>
    private sealed class SleepingContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }
}
