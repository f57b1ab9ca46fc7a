using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>What must not be done to a pooled operation, and that doing it is told at once.</summary>
[TestFixture]
public sealed class MisuseTests
{
    private PolledAioContext _context = null!;

    [SetUp]
    public void SetUp() => _context = new PolledAioContext("loop");

    [TearDown]
    public void TearDown() => _context.Dispose();

#pragma warning disable CA2012 // Wrong uses of ValueTasks are what these tests are about.
    [Test]
    public void Awaiting_again_what_was_awaited_fails() => _context.Run(async () =>
    {
        ValueTask task = _context.YieldAsync();
        await task;
        Assert.That(() => task.IsCompleted, Throws.TypeOf<InvariantViolationException>().With.Message.Contains("awaited twice"), "the second look");
    });

    [Test]
    public void Awaiting_twice_while_pending_fails() => _context.Run(async () =>
    {
        ManualOperation operation = new(_context);
        ValueTask task = operation.Task;
        Task first = task.AsTask();
        Assert.That(() => task.GetAwaiter().OnCompleted(() => { }), Throws.TypeOf<InvariantViolationException>().With.Message.Contains("awaited twice"), "the second awaiter");
        operation.Complete();
        await first;
        Assert.That(operation.RecycleCount, Is.EqualTo(1), "the first goes on, and recycles it");
    });

    [Test]
    public void Awaiting_on_another_thread_fails() => _context.Run(() =>
    {
        ValueTask task = new ManualOperation(_context).Task;
        OtherThread.Run(() => Assert.That(
            () => task.GetAwaiter().OnCompleted(() => { }),
            Throws.TypeOf<InvariantViolationException>().With.Message.Contains("context 'loop' was awaited on another thread"),
            "a foreign awaiter"));
        return Task.CompletedTask;
    });

    [Test]
    public void Completing_or_failing_on_another_thread_fails() => _context.Run(() =>
    {
        ManualOperation operation = new(_context);
        OtherThread.Run(() =>
        {
            Assert.That(operation.Complete, Throws.TypeOf<InvariantViolationException>().With.Message.Contains("completed on another thread"), "completing");
            Assert.That(() => operation.Fail(new NotSupportedException()), Throws.TypeOf<InvariantViolationException>(), "failing");
        });
        return Task.CompletedTask;
    });

    [Test]
    public void Taking_the_result_of_a_pending_operation_fails() => _context.Run(() =>
    {
        ValueTask task = new ManualOperation(_context).Task;
        Assert.That(() => task.GetAwaiter().GetResult(), Throws.TypeOf<InvariantViolationException>().With.Message.Contains("pending"), "too early");
        return Task.CompletedTask;
    });

    [Test]
    public void Awaiting_what_is_done_continues_in_the_next_turn() => _context.Run(async () =>
    {
        ManualOperation operation = new(_context);
        ValueTask task = operation.Task;
        operation.Complete();
        bool hasContinued = false;
        task.GetAwaiter().OnCompleted(() => hasContinued = true);
        Assert.That(hasContinued, Is.False, "not inside the await");
        await _context.YieldAsync();
        Assert.That(hasContinued, Is.True, "but soon");
        task.GetAwaiter().GetResult();
    });

    [Test]
    public void A_version_that_wraps_around_still_works() => _context.Run(async () =>
    {
        for (int i = 0; i < 140_000; i++)
        {
            await _context.YieldAsync();
        }
    });

    [Test]
    public void The_state_of_a_task_tells_how_it_ended() => _context.Run(async () =>
    {
        ManualOperation operation = new(_context);
        ValueTask pending = operation.Task;
        Assert.That(pending.IsCompleted, Is.False, "pending");
        operation.Fail(new NotSupportedException("on purpose"));
        Assert.That(pending.IsFaulted, Is.True, "failed");
        await TestKit.Failure.OfAsync<NotSupportedException>(async () => await pending);
        ValueTask cancelled = operation.Task;
        operation.Fail(new OperationCanceledException());
        Assert.That(cancelled.IsCanceled, Is.True, "cancelled");
        await TestKit.Failure.OfAsync<OperationCanceledException>(async () => await cancelled);
    });
#pragma warning restore CA2012

    [Test]
    public void Work_for_the_workers_is_submitted_at_home() =>
        Assert.That(() => _context.RunOnWorkers(() => { }).AsTask(), Throws.TypeOf<InvariantViolationException>(), "a plain thread");
}
