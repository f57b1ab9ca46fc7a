using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Where the callers of other threads continue: anywhere but on the loop, which they could block.</summary>
/// <remarks>The loop is held until the continuation is attached, so that it is always the loop that completes the request.</remarks>
[TestFixture]
public sealed class ForeignCallerTests
{
    private MemoryProtocol _memory = null!;
    private MainLoop _loop = null!;
    private NodeGraph _graph = null!;
    private BlockBackend _backend = null!;
    private ManualResetEventSlim _hold = null!;

    [SetUp]
    public async Task SetUp()
    {
        _memory = new MemoryProtocol();
        _loop = MainLoop.Start();
        _graph = new NodeGraph(_loop, [_memory]);
        _backend = await _graph.OpenAsync(new OptionsDictionary { { "driver", "memory" }, { "filename", "disk" } });
        _hold = new ManualResetEventSlim();
    }

    [TearDown]
    public async Task TearDown()
    {
        await _backend.DisposeAsync();
        await _graph.DisposeAsync();
        _loop.Dispose();
        _hold.Dispose();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task An_awaiter_without_a_context_continues_off_the_loop(bool continuesOnCapturedContext)
    {
        Assert.That(await WhileLoopIsHeldAsync(() => ContextAfterAsync(_backend.ReadAsync(0, new byte[1]).AsTask(), continuesOnCapturedContext)), Is.Null, "a read");
        Assert.That(await WhileLoopIsHeldAsync(() => ContextAfterAsync(_backend.FlushAsync().AsTask(), continuesOnCapturedContext)), Is.Null, "a flush");
        Assert.That(await WhileLoopIsHeldAsync(() => ContextAfterAsync(_loop.Context.RunAsync(() => Task.CompletedTask), continuesOnCapturedContext)), Is.Null, "a call");
    }

    [Test]
    public async Task An_awaiter_of_the_value_task_itself_continues_off_the_loop()
    {
        AioContext? context = await WhileLoopIsHeldAsync(async () =>
        {
            await _backend.ReadAsync(0, new byte[1]);
            return AioContext.Current;
        });
        Assert.That(context, Is.Null, "no context");
    }

    [Test]
    public async Task An_awaiter_of_a_failure_continues_off_the_loop()
    {
        _memory.Storage("disk").FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        AioContext? context = await WhileLoopIsHeldAsync(async () =>
        {
            try
            {
                await _backend.ReadAsync(0, new byte[1]);
            }
            catch (BlockException)
            {
                return AioContext.Current;
            }

            throw new AssertionException("the read did not fail");
        });
        Assert.That(context, Is.Null, "no context");
    }

    [Test]
    public async Task A_caller_from_another_context_continues_there()
    {
        using IoThread thread = new("other");
        AioContext? context = await WhileLoopIsHeldAsync(() => thread.Context.RunAsync(async () =>
        {
            await _backend.ReadAsync(0, new byte[1]);
            return AioContext.Current;
        }));
        Assert.That(context, Is.SameAs(thread.Context), "the context it came from");
    }

    private static async Task<AioContext?> ContextAfterAsync(Task request, bool continuesOnCapturedContext)
    {
        await request.ConfigureAwait(continuesOnCapturedContext);
        return AioContext.Current;
    }

    // NUnit's own SynchronizationContext, where it has one, must not be the reason that a test passes: the call is made on the pool.
    private async Task<AioContext?> WhileLoopIsHeldAsync(Func<Task<AioContext?>> call)
    {
        _hold.Reset();
        _loop.Context.Post(static hold => ((ManualResetEventSlim)hold!).Wait(), _hold);
        Task<Task<AioContext?>> started = Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        Task<AioContext?> pending = await started;
        _hold.Set();
        return await pending;
    }
}
