using System.Diagnostics.Metrics;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The groups of a registry as instruments of <c>System.Diagnostics.Metrics</c>: what they counted, how their buckets stand, and
/// how long requests waited. Costs nothing while nobody listens. <i>QEMU: none.</i>
/// </summary>
/// <remarks>
/// Instruments, with the tags <c>group</c> and <c>direction</c> (<c>read</c>, <c>write</c>) or <c>meter</c> (such as <c>iops-total</c>):
/// counters <c>blockgraph.throttle.requests</c>, <c>.throttled</c>, <c>.cancelled</c>, <c>.timeouts</c>, <c>.waits</c> (by the meter
/// that was last to open); gauges <c>.queue.depth</c>, <c>.next_wake</c> (seconds), <c>.level</c>, <c>.capacity</c> and <c>.debt</c> (units);
/// the histogram <c>.wait</c> (seconds).
/// </remarks>
public sealed class ThrottleMetrics : IDisposable
{
    /// <summary>What listeners ask for.</summary>
    public const string MeterName = "BlockGraph.Throttling";

    private const string Prefix = "blockgraph.throttle.";
    private const double NsPerSecond = 1_000_000_000;

    private readonly ThrottleGroupRegistry _groups;
    private readonly AioContext _clock;
    private readonly Meter _meter;
    private readonly Histogram<double> _waits;

    /// <summary>Starts to offer the instruments.</summary>
    /// <param name="groups">The groups of a graph.</param>
    /// <param name="clock">A context on the clock that their members go by, such as the main context.</param>
    /// <param name="factory">Who makes the meter, such as a container's; null for one of its own.</param>
    public ThrottleMetrics(ThrottleGroupRegistry groups, AioContext clock, IMeterFactory? factory = null)
    {
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(clock);
        _groups = groups;
        _clock = clock;
        _meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        CountDirections("requests", "{request}", "requests that asked while anything was limited", report => report.SubmittedCount);
        CountDirections("throttled", "{request}", "requests that had to wait", report => report.ThrottledCount);
        CountDirections("cancelled", "{request}", "requests that were cancelled while they waited", report => report.CancelledCount);
        CountDirections("timeouts", "{request}", "requests that waited for longer than they may", report => report.TimedOutCount);
        _meter.CreateObservableCounter(Prefix + "waits", () => Meters(report => report.BindingCount), "{request}", "requests that had to wait for the meter");
        _meter.CreateObservableGauge(Prefix + "queue.depth", () => Directions(report => (long?)report.QueueDepth), "{request}", "requests that wait now");
        _meter.CreateObservableGauge(Prefix + "next_wake", () => Directions(report => report.NextWakeNs / NsPerSecond), "s", "how long until the next of the tree is woken");
        _meter.CreateObservableGauge(Prefix + "level", () => Meters(report => report.Level), null, "what the bucket holds");
        _meter.CreateObservableGauge(Prefix + "capacity", () => Meters(report => report.Capacity), null, "what the bucket may hold before requests wait");
        _meter.CreateObservableGauge(Prefix + "debt", () => Meters(report => report.Debt), null, "what the bucket holds above its capacity");
        _waits = _meter.CreateHistogram<double>(Prefix + "wait", "s", "how long requests waited that had to");
        groups.RequestWaited += OnRequestWaited;
    }

    /// <summary>The instruments are gone.</summary>
    public void Dispose()
    {
        _groups.RequestWaited -= OnRequestWaited;
        _meter.Dispose();
    }

    private static string NameOf(ThrottleDirection direction) => direction == ThrottleDirection.Read ? "read" : "write";

    private void CountDirections(string name, string unit, string description, Func<ThrottleDirectionReport, long> value) =>
        _meter.CreateObservableCounter(Prefix + name, () => Directions(report => (long?)value(report)), unit, description);

    private void OnRequestWaited(ThrottleGroup group, ThrottleDirection direction, long waitedNs)
    {
        if (_waits.Enabled)
        {
            _waits.Record(waitedNs / NsPerSecond, new KeyValuePair<string, object?>("group", group.Name), new KeyValuePair<string, object?>("direction", NameOf(direction)));
        }
    }

    private IEnumerable<Measurement<T>> Directions<T>(Func<ThrottleDirectionReport, T?> value)
        where T : struct
    {
        foreach (ThrottleGroupReport group in Reports())
        {
            foreach (ThrottleDirection direction in (ThrottleDirection[])[ThrottleDirection.Read, ThrottleDirection.Write])
            {
                if (value(direction == ThrottleDirection.Read ? group.Reads : group.Writes) is { } measured)
                {
                    yield return new Measurement<T>(measured, new("group", group.Name), new("direction", NameOf(direction)));
                }
            }
        }
    }

    private IEnumerable<Measurement<T>> Meters<T>(Func<ThrottleMeterReport, T> value)
        where T : struct =>
        Reports().SelectMany(group => group.Meters.Select(meter =>
            new Measurement<T>(value(meter), new("group", group.Name), new("meter", ThrottleKeys.Of(meter.Meter, ThrottleKeyPart.Rate).Name))));

    private IEnumerable<ThrottleGroupReport> Reports()
    {
        long nowNs = _clock.ReadNowNs();
        return _groups.Groups.Select(group => group.Query(nowNs, includesMembers: false));
    }
}
