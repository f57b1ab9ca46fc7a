using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A loop with a thread of its own, and where its callers continue.</summary>
[TestFixture]
public sealed class MainLoopTests
{
    [Test]
    public async Task The_first_open_from_a_plain_thread_does_not_hang_and_continues_off_the_loop()
    {
        using MainLoop loop = MainLoop.Start();
        Assert.That(loop.HasThread, Is.True, "nobody pumps it but its thread");
        await using NodeGraph graph = new(loop, [new MemoryProtocol()]);
        await using BlockBackend backend = await graph.OpenAsync(new OptionsDictionary { { "driver", "memory" }, { "filename", "disk" } });
        Assert.That(AioContext.Current, Is.Null, "not on the loop");
        await backend.WriteAsync(5, new byte[] { 1, 2, 3 });
        Assert.That(AioContext.Current, Is.Null, "nor after a request");
        byte[] read = new byte[3];
        await backend.ReadAsync(5, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3 }), "the bytes");
        await backend.FlushAsync();
        Assert.That(AioContext.Current, Is.Null, "nor after a flush");
        await Failure.OfRequestAsync(() => backend.ReadAsync(-1, read));
        Assert.That(AioContext.Current, Is.Null, "nor after a failure");
    }

    [Test]
    public void A_pumped_loop_has_no_thread()
    {
        using PolledAioContext context = new("mine");
        using MainLoop loop = MainLoop.Pumped(context);
        Assert.That(loop.HasThread, Is.False, "the caller pumps");
        Assert.That(loop.Context, Is.SameAs(context), "the caller's context");
    }

    [Test]
    public async Task A_caller_of_another_context_continues_there()
    {
        using IoThread mine = new("mine");
        using IoThread theirs = new("theirs");
        await mine.Context.RunAsync(async () =>
        {
            int result = await theirs.Context.RunAsync(() => Task.FromResult(theirs.Context.IsHome ? 1 : 0));
            Assert.That(result, Is.EqualTo(1), "the body ran there");
            Assert.That(mine.Context.IsHome, Is.True, "and the caller is home again");
        });
    }

    [Test]
    public void A_caller_with_a_synchronization_context_continues_on_it()
    {
        using IoThread loop = new("loop");
        QueueingSynchronizationContext own = new();
        OtherThread.Run(() => own.Run(async () =>
        {
            // The loop is held until the await below is attached: the queue runs what is posted only then.
            using ManualResetEventSlim hold = new();
            loop.Context.Post(_ => hold.Wait(), null);
            own.Post(_ => hold.Set(), null);
            int thread = Environment.CurrentManagedThreadId;
            Assert.That(await loop.Context.RunAsync(() => Task.FromResult(5)), Is.EqualTo(5), "the result");
            Assert.That(Environment.CurrentManagedThreadId, Is.EqualTo(thread), "the caller's own thread");
            await loop.Context.RunAsync(() => Task.CompletedTask);
            Assert.That(Environment.CurrentManagedThreadId, Is.EqualTo(thread), "without a result as well");
        }));
        Assert.That(own.PostCount, Is.GreaterThan(1), "through its own SynchronizationContext, beside the test's own post");
    }

    [Test]
    public async Task What_the_body_throws_comes_back_to_the_caller()
    {
        using IoThread loop = new("loop");
        BlockException error = await Failure.OfAsync(() => loop.Context.RunAsync(() => Task.FromException(new BlockException("on purpose"))));
        Assert.That(error.Message, Is.EqualTo("on purpose"), "the exception itself");
        Assert.That(AioContext.Current, Is.Null, "off the loop");
    }

    [Test]
    public async Task At_home_a_call_is_direct()
    {
        using IoThread loop = new("loop");
        await loop.Context.RunAsync(() =>
        {
            Task<int> direct = loop.Context.RunAsync(() => Task.FromResult(1));
            Assert.That(direct.IsCompletedSuccessfully, Is.True, "it ran inside the call");
            return Task.CompletedTask;
        });
    }

    [Test]
    public void A_thread_ends_when_it_is_disposed_and_not_twice()
    {
        IoThread thread = new("thread");
        thread.Dispose();
        Assert.That(thread.Dispose, Throws.Nothing, "the second time");
    }

    [Test]
    public async Task A_thread_cannot_be_disposed_from_itself()
    {
        using IoThread thread = new("thread");
        InvariantViolationException error = await Failure.OfAsync<InvariantViolationException>(() => thread.Context.RunAsync(() =>
        {
            thread.Dispose();
            return Task.CompletedTask;
        }));
        Assert.That(error.Message, Does.Contain("IsHome"), "it would wait for itself");
    }

    [Test]
    public void A_context_switch_is_known_by_its_context()
    {
        using PolledAioContext a = new("a");
        using PolledAioContext b = new("b");
        Assert.That(a.SwitchTo() == a.SwitchTo(), Is.True, "the same");
        Assert.That(a.SwitchTo() != b.SwitchTo(), Is.True, "another");
        Assert.That(a.SwitchTo().Equals((object)a.SwitchTo()), Is.True, "boxed");
        Assert.That(new HashSet<ContextSwitch> { a.SwitchTo(), a.SwitchTo(), b.SwitchTo() }, Has.Count.EqualTo(2), "hashes agree");
    }

    /// <summary>What a user interface has: a queue that one thread works off.</summary>
    private sealed class QueueingSynchronizationContext : SynchronizationContext
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(SendOrPostCallback Callback, object? State)> _queue = [];

        public int PostCount { get; private set; }

        public override void Post(SendOrPostCallback d, object? state)
        {
            PostCount++;
            _queue.Add((d, state));
        }

        public void Run(Func<Task> body)
        {
            SetSynchronizationContext(this);
            Task task = body();
            task.ContinueWith(_ => _queue.CompleteAdding(), TaskScheduler.Default);
            foreach ((SendOrPostCallback callback, object? state) in _queue.GetConsumingEnumerable())
            {
                callback(state);
            }

            task.GetAwaiter().GetResult();
        }
    }
}
