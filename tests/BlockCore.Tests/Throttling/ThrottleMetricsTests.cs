using System.Diagnostics.Metrics;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what listeners of <c>System.Diagnostics.Metrics</c> see of the groups.</summary>
[TestFixture]
[NonParallelizable]
public sealed class ThrottleMetricsTests
{
    private const long Ms = 1_000_000;

    private readonly Dictionary<string, double> _seen = [];
    private readonly List<double> _waits = [];
    private VirtualTimeScheduler _scheduler = null!;
    private ThrottleGroupRegistry _registry = null!;
    private ThrottleGroupMember _member = null!;

    [SetUp]
    public void SetUp()
    {
        _seen.Clear();
        _waits.Clear();
        _scheduler = new VirtualTimeScheduler();
        _registry = new ThrottleGroupRegistry();
        _member = _registry.CreateAnonymous(Limits(("iops-total", 10))).AddMember(_scheduler.MainContext);
    }

    [TearDown]
    public void TearDown() => _scheduler.Dispose();

    [Test]
    public void Listeners_see_counters_queues_and_buckets()
    {
        using ThrottleMetrics metrics = new(_registry, _scheduler.MainContext);
        using MeterListener listener = Listen();
        Submit(4);
        RunUntil(50 * Ms);
        listener.RecordObservableInstruments();

        Assert.Multiple(() =>
        {
            Assert.That(_seen["blockgraph.throttle.requests #throttle0 read"], Is.EqualTo(4));
            Assert.That(_seen["blockgraph.throttle.throttled #throttle0 read"], Is.EqualTo(2));
            Assert.That(_seen["blockgraph.throttle.cancelled #throttle0 read"], Is.Zero);
            Assert.That(_seen["blockgraph.throttle.timeouts #throttle0 read"], Is.Zero);
            Assert.That(_seen["blockgraph.throttle.requests #throttle0 write"], Is.Zero);
            Assert.That(_seen["blockgraph.throttle.waits #throttle0 iops-total"], Is.EqualTo(2));
            Assert.That(_seen["blockgraph.throttle.queue.depth #throttle0 read"], Is.EqualTo(2));
            Assert.That(_seen["blockgraph.throttle.next_wake #throttle0 read"], Is.EqualTo(0.05).Within(1e-9));
            Assert.That(_seen, Does.Not.ContainKey("blockgraph.throttle.next_wake #throttle0 write"), "nobody waits to write");
            Assert.That(_seen["blockgraph.throttle.level #throttle0 iops-total"], Is.EqualTo(1.5).Within(1e-9));
            Assert.That(_seen["blockgraph.throttle.capacity #throttle0 iops-total"], Is.EqualTo(1));
            Assert.That(_seen["blockgraph.throttle.debt #throttle0 iops-total"], Is.EqualTo(0.5).Within(1e-9));
        });
    }

    [Test]
    public void Listeners_see_each_wait()
    {
        using ThrottleMetrics metrics = new(_registry, _scheduler.MainContext);
        using MeterListener listener = Listen();
        Submit(4);
        _scheduler.RunUntilIdle();

        Assert.That(_waits, Is.EqualTo(new[] { 0.1, 0.2 }).Within(1e-9));
    }

    [Test]
    public void After_the_end_nothing_is_seen()
    {
        ThrottleMetrics metrics = new(_registry, _scheduler.MainContext);
        using MeterListener listener = Listen();
        metrics.Dispose();
        Submit(4);
        _scheduler.RunUntilIdle();
        listener.RecordObservableInstruments();

        Assert.That(_seen, Is.Empty);
        Assert.That(_waits, Is.Empty);
    }

    private MeterListener Listen()
    {
        MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == ThrottleMetrics.MeterName)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => See(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => See(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private void See(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (instrument.Name == "blockgraph.throttle.wait")
        {
            _waits.Add(value);
            return;
        }

        _seen[$"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => tag.Value))}"] = value;
    }

    private void Submit(int count)
    {
        for (; count > 0; count--)
        {
            At(0, _member, () => _ = _member.WaitAsync(ThrottleDirection.Read, 512).AsTask());
        }
    }

    private void RunUntil(long untilNs)
    {
        bool isThere = false;
        At(untilNs, _member, () => isThere = true);
        while (!isThere)
        {
            Assert.That(_scheduler.TryStep(), Is.True, "the world stood still");
        }
    }
}
