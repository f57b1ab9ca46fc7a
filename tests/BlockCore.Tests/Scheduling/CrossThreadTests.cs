using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>The way into a loop from other threads, on each platform's own way of sleeping.</summary>
[TestFixtureSource(nameof(Platforms))]
public sealed class CrossThreadTests(HostPlatform platform)
{
    private PolledAioContext _context = null!;

    public static IEnumerable<HostPlatform> Platforms => LoopPlatforms.All;

    [SetUp]
    public void SetUp() => _context = new PolledAioContext("test", platform: platform);

    [TearDown]
    public void TearDown() => _context.Dispose();

    [Test]
    public void What_is_sent_runs_at_home_in_the_order_of_sending()
    {
        List<int> order = [];
        OtherThread.Run(() =>
        {
            for (int i = 0; i < 4; i++)
            {
                _context.Post(state => order.Add((int)state!), i);
            }

            Assert.That(order, Is.Empty, "nothing runs on the sender's thread");
        });
        _context.Poll(mayBlock: false);
        Assert.That(order, Is.EqualTo(new[] { 0, 1, 2, 3 }), "oldest first");
    }

    [Test]
    public void Only_a_sleeping_loop_is_woken_and_only_once()
    {
        Assert.That(_context.Poll(mayBlock: false), Is.False, "nothing to do: whoever pumps may sleep now");
        OtherThread.Run(() => _context.Post(_ => { }, null));
        Assert.That(_context.WakeCount, Is.EqualTo(1), "the sleeper is woken");
        OtherThread.Run(() => _context.Post(_ => { }, null));
        Assert.That(_context.WakeCount, Is.EqualTo(1), "it is awake already");
        Assert.That(_context.Poll(mayBlock: false), Is.True, "both run");
    }

    [Test]
    public void A_running_loop_is_not_woken()
    {
        bool hasRun = false;
        _context.Run(async () =>
        {
            OtherThread.Run(() => _context.Post(_ => hasRun = true, null));
            await _context.YieldAsync();
            await _context.YieldAsync();
        });
        Assert.That(hasRun, Is.True, "the work ran");
        Assert.That(_context.WakeCount, Is.Zero, "without a wake-up");
    }

    [Test]
    public void A_blocked_loop_goes_on_when_something_is_sent()
    {
        using IoThread sender = new("sender", platform);
        long before = 0;
        _context.Run(async () =>
        {
            ManualOperation operation = new(_context);
            ValueTask task = operation.Task;
            before = _context.WakeCount;
            sender.Context.Post(_ => _context.Send(operation), null);
            await task;
            Assert.That(_context.IsHome, Is.True, "continued at home");
        });
    }

    [Test]
    public void A_wake_up_is_never_lost()
    {
        // Two loops throw one ball: every throw may meet the other loop awake, falling asleep or asleep.
        const int throwCount = 20_000;
        using IoThread other = new("other", platform);
        int caught = 0;
        _context.Run(async () =>
        {
            for (int i = 0; i < throwCount; i++)
            {
                await other.Context.SwitchTo();
                caught++;
                await _context.SwitchTo();
            }
        });
        Assert.That(caught, Is.EqualTo(throwCount), "every throw arrived");
    }

    [Test]
    public void A_blocked_loop_wakes_for_its_timer() => _context.Run(async () =>
    {
        long before = _context.NowNs;
        await _context.DelayAsync(2_000_000);
        Assert.That(_context.NowNs - before, Is.GreaterThanOrEqualTo(2_000_000), "not a nanosecond early");
    });

    [Test]
    public void Sending_at_home_is_queueing() => _context.Run(async () =>
    {
        bool hasRun = false;
        _context.Send(new CallbackWork(() => hasRun = true));
        Assert.That(hasRun, Is.False, "not inside the sender");
        await _context.YieldAsync();
        Assert.That(hasRun, Is.True, "in the next turn");
    });

    [Test]
    public void A_send_to_a_disposed_context_wakes_nobody()
    {
        PolledAioContext late = new("late", platform: platform);
        Assert.That(late.Poll(mayBlock: false), Is.False, "whoever pumps may sleep");
        late.Dispose();
        late.Post(_ => { }, null);
        Assert.That(late.WakeCount, Is.Zero, "its descriptor may be somebody else's by now");
    }

    [Test]
    public void The_poll_descriptor_is_what_the_platform_has() =>
        Assert.That(_context.PollDescriptor, platform == HostPlatform.Portable ? Is.EqualTo(-1) : Is.GreaterThanOrEqualTo(0), platform.Name);
}
