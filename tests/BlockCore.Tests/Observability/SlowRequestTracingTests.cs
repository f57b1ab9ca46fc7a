using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Observability;

/// <summary>Exactly the slow requests become spans, which say where their time went.</summary>
[TestFixture]
[NonParallelizable]
public sealed class SlowRequestTracingTests : GraphTests
{
    private const long Ms = 1_000_000;

    private readonly List<Activity> _spans = [];
    private ActivityListener _listener = null!;

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new ThrottleFilterDriver()]);

    [SetUp]
    public void Listen()
    {
        _spans.Clear();
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SlowRequestTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Add,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    [TearDown]
    public void StopListening() => _listener.Dispose();

    [Test]
    public void Exactly_the_requests_that_take_as_long_as_the_threshold_are_told() => Fixture.Run(async () =>
    {
        // backend -> scripted storage
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=disk", new BackendOptions { Name = "drive" });
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 5 * Ms });
        foreach (long durationNs in new[] { 0, 4 * Ms, (5 * Ms) - 1, 5 * Ms, 7 * Ms })
        {
            Task read = backend.ReadAsync(4096, new byte[512]).AsTask();
            await Fixture.Context.DelayAsync(durationNs);
            Fixture.Scripted.Pending[0].Succeed();
            await read;
        }

        Activity[] requests = [.. _spans.Where(s => s.OperationName == "blockgraph.request")];
        Assert.That(requests.Select(r => r.Duration.TotalMilliseconds), Is.EqualTo(new[] { 5.0, 7.0 }), "the slow ones");
        Assert.That(requests[1].StartTimeUtc - requests[0].StartTimeUtc, Is.EqualTo(TimeSpan.FromMilliseconds(5)), "when they began");
        Assert.That(Tags(requests[0]), Is.EqualTo("backend=drive device_time=0.005 length=512 node=disk offset=4096 operation=read wait_time=0"), "what the request was");
    });

    [Test]
    public void The_layers_say_where_the_time_went() => Fixture.Run(async () =>
    {
        // backend -> throttle (10 a second) -> raw -> scripted storage
        BlockBackend backend = await Fixture.OpenAsync("driver=throttle,node-name=slow,limits.iops-total=10,file.driver=raw,file.node-name=mid,file.file.driver=scripted,file.file.node-name=disk");
        Fixture.Scripted.Node("disk").Hold();
        for (int i = 0; i < 2; i++)
        {
            await backend.ReadAsync(0, new byte[512]);
        }

        Fixture.Scripted.Node("disk").Hold(RequestKind.Read);
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = Ms });
        Task read = backend.ReadAsync(0, new byte[512]).AsTask();
        await Fixture.Context.DelayAsync(100 * Ms);
        await Fixture.Context.DelayAsync(20 * Ms);
        Fixture.Scripted.Pending[0].FailWith(BlockErrorKind.InputOutput);
        await Failure.OfAsync(() => read);

        Activity request = _spans.Single(s => s.OperationName == "blockgraph.request");
        Activity[] layers = [.. _spans.Where(s => s.OperationName == "blockgraph.layer").OrderBy(s => s.Duration).Reverse()];
        Assert.That(layers.Select(l => (string)l.GetTagItem("node")!), Is.EqualTo(new[] { "slow", "mid", "disk" }).Or.EqualTo(new[] { "slow", "disk", "mid" }), "the layers");
        Activity slow = layers.Single(l => (string)l.GetTagItem("node")! == "slow");
        Activity mid = layers.Single(l => (string)l.GetTagItem("node")! == "mid");
        Activity disk = layers.Single(l => (string)l.GetTagItem("node")! == "disk");
        Assert.That(slow.ParentSpanId, Is.EqualTo(request.SpanId), "nested as they were");
        Assert.That(mid.ParentSpanId, Is.EqualTo(slow.SpanId), "nested as they were");
        Assert.That(disk.ParentSpanId, Is.EqualTo(mid.SpanId), "through the wait");
        Assert.That((double)slow.GetTagItem("self_time")!, Is.EqualTo(0.1).Within(1e-6), "it waited for the limit");
        Assert.That((double)mid.GetTagItem("self_time")!, Is.Zero, "it has passed on");
        Assert.That((double)request.GetTagItem("device_time")!, Is.EqualTo(0.02).Within(1e-6), "the storage's part");
        Assert.That((double)request.GetTagItem("wait_time")!, Is.EqualTo(0.1).Within(1e-6), "the rest");
        Assert.That(disk.StartTimeUtc - request.StartTimeUtc, Is.EqualTo(TimeSpan.FromMilliseconds(100)), "when it came to the storage");
        Assert.That(request.Status, Is.EqualTo(ActivityStatusCode.Error), "it failed");
        Assert.That(request.StatusDescription, Is.EqualTo("Input/output error"), "how");
        Assert.That(request.GetTagItem("error.type"), Is.EqualTo("InputOutput"), "what kind of failure");
    });

    [Test]
    public void Waiting_for_a_drain_and_for_the_limits_of_the_device_is_part_of_a_request() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=disk");
        await backend.LimitAsync(new ThrottleConfig { IopsTotal = new ThrottleLimits(10) });
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 50 * Ms });
        Task flush;
        await using (await backend.DrainAsync())
        {
            flush = backend.FlushAsync().AsTask();
            await Fixture.Context.DelayAsync(60 * Ms);
        }

        await flush;
        Task[] reads = [.. Enumerable.Range(0, 3).Select(_ => backend.ReadAsync(0, new byte[1]).AsTask())];
        await Task.WhenAll(reads);
        Activity[] requests = [.. _spans.Where(s => s.OperationName == "blockgraph.request")];
        Assert.That(requests.Select(r => $"{r.GetTagItem("operation")} {r.Duration.TotalMilliseconds}"), Is.EqualTo(new[] { "flush 60", "read 100" }), "each once");
    });

    [Test]
    public void A_flood_of_slow_requests_becomes_as_many_spans_a_second_as_wanted() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=100000000");
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 1, RequestsPerSecondMax = 2 });
        for (int i = 0; i < 30; i++)
        {
            await backend.ReadAsync(0, new byte[1]);
        }

        Activity[] requests = [.. _spans.Where(s => s.OperationName == "blockgraph.request")];
        Assert.That(requests.Length, Is.GreaterThanOrEqualTo(2).And.LessThanOrEqualTo(6), "two a second");
        Assert.That(requests.Length + requests.Sum(r => (long?)r.GetTagItem("suppressed") ?? 0), Is.LessThanOrEqualTo(30), "those left out are told by the next");
        Assert.That(requests.Skip(2).First().GetTagItem("suppressed"), Is.GreaterThan(0L), "those left out");
    });

    [Test]
    public void A_request_from_a_submitter_and_one_of_a_callers_own_trace_are_told_once_each() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=2000000");
        await backend.AddSubmitterAsync(Fixture.ContextOf("other"));
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 0 });
        await Fixture.ContextOf("other").RunAsync(async () => await backend.ReadAsync(0, new byte[1]));
        using Activity callers = new("caller");
        callers.Start();
        await backend.WriteAsync(0, new byte[1]);
        callers.Stop();
        Activity[] requests = [.. _spans.Where(s => s.OperationName == "blockgraph.request")];
        Assert.That(requests.Select(r => r.GetTagItem("operation")), Is.EqualTo(new[] { "read", "write" }), "each once");
        Assert.That(requests[1].ParentSpanId, Is.EqualTo(callers.SpanId), "below what its caller does");
        Assert.That(requests[0].ParentSpanId, Is.EqualTo(default(ActivitySpanId)), "nobody's");
    });

    [Test]
    public void Who_stops_tracing_or_listening_leaves_nothing() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=2000000");
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 0 });
        await using GraphMeasurement measurement = await Fixture.Graph.MeasureAsync();
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 1000 * Ms });
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(_spans, Is.Empty, "another threshold");
        await Fixture.Graph.TraceSlowRequestsAsync(null);
        await Fixture.Graph.TraceSlowRequestsAsync(null);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(_spans, Is.Empty, "no longer");
        Assert.That(backend.Root!.Meter, Is.Not.Null, "others still measure");
        await measurement.DisposeAsync();
        Assert.That(backend.Root!.Meter, Is.Null, "nobody does");
        await Fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 0 });
        _listener.Dispose();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(_spans, Is.Empty, "nobody listens");
    });

    private static string Tags(Activity span) => string.Join(' ', span.TagObjects.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{t.Key}={t.Value}")));
}
