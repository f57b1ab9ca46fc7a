using System.Diagnostics.Metrics;
using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>
/// A graph as instruments of <c>System.Diagnostics.Metrics</c>: what nodes carry out, by way of which edges, and what backends were asked for. The graph is measured while
/// somebody listens to nodes or edges; otherwise this costs nothing. <i>QEMU: none.</i>
/// </summary>
/// <remarks>
/// Instruments, with the tags <c>node</c>, <c>driver</c>, <c>operation</c>, for edges also <c>edge</c> and <c>parent</c>: counters <c>blockgraph.node.operations</c>, <c>.bytes</c>,
/// <c>.errors</c>; the histogram <c>.duration</c> (seconds); <c>.in_flight</c>; the same of <c>blockgraph.edge</c>. With the tags <c>backend</c> and <c>operation</c>:
/// <c>blockgraph.backend.operations</c>, <c>.bytes</c>, <c>.errors</c>, <c>.rejected</c>, <c>.time</c> (seconds), <c>.in_flight</c>, which are counted in any case.
/// </remarks>
public sealed class GraphMetrics : IAsyncDisposable
{
    /// <summary>What listeners ask for.</summary>
    public const string MeterName = "BlockGraph";

    private const double NsPerSecond = 1_000_000_000;

    private readonly NodeGraph _graph;
    private readonly Meter _meter;
    private readonly Histogram<double> _nodeDurations;
    private readonly Histogram<double> _edgeDurations;
    private readonly List<Instrument> _measured = [];
    private readonly IDisposable _opened;
    private readonly CoMutex _turn = new();
    private GraphMeasurement? _measurement;
    private int _isLookPending;
    private volatile bool _isDisposed;

    /// <summary>Starts to offer the instruments.</summary>
    /// <param name="graph">Whose.</param>
    /// <param name="factory">Who makes the meter, such as a container's; null for one of its own.</param>
    public GraphMetrics(NodeGraph graph, IMeterFactory? factory = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        _graph = graph;
        _meter = factory?.Create(new MeterOptions(MeterName)) ?? new Meter(MeterName);
        _nodeDurations = Measured(_meter.CreateHistogram<double>("blockgraph.node.duration", "s", "how long the node's driver took"));
        _edgeDurations = Measured(_meter.CreateHistogram<double>("blockgraph.edge.duration", "s", "how long the node's driver took, by edge"));
        CountMeasured("operations", "{operation}", "what was carried out, failures included", counters => counters.OperationCount);
        CountMeasured("bytes", "By", "what was carried out with success", counters => counters.ByteCount);
        CountMeasured("errors", "{operation}", "what failed", counters => counters.FailedCount);
        Measured(_meter.CreateObservableUpDownCounter("blockgraph.node.in_flight", NodesInFlight, "{operation}", "what is under way: the queue depth"));
        Measured(_meter.CreateObservableUpDownCounter("blockgraph.edge.in_flight", EdgesInFlight, "{operation}", "what is under way, by edge"));
        CountBackends("operations", "{request}", "requests that are over, failed ones included", counters => counters.OperationCount);
        CountBackends("bytes", "By", "what the successful ones moved", counters => counters.ByteCount);
        CountBackends("errors", "{request}", "requests that failed", counters => counters.FailedCount);
        CountBackends("rejected", "{request}", "requests that were refused at the door", counters => counters.InvalidCount);
        _meter.CreateObservableCounter("blockgraph.backend.time", () => Backends(counters => counters.TotalNs / NsPerSecond), "s", "how long requests took together, from submission to completion");
        _meter.CreateObservableUpDownCounter("blockgraph.backend.in_flight", BackendsInFlight, "{request}", "requests between submission and completion");

        // Whoever listens to all meters listens by now; a new node is an occasion to look again.
        _opened = graph.Events.Subscribe<NodeOpened>(_ => Look());
        Look();
    }

    private bool IsListenedTo => !_isDisposed && _measured.Exists(instrument => instrument.Enabled);

    /// <summary>
    /// Looks whether anybody listens, and begins or ceases to measure; done when it is so. It happens by itself when values are collected, when a node comes, and while requests
    /// flow; whoever wants to miss nothing calls it after he has begun to listen. Any thread.
    /// </summary>
    public Task SynchronizeAsync() => _graph.MainContext.RunAsync(async () =>
    {
        await _turn.EnterAsync();
        try
        {
            Volatile.Write(ref _isLookPending, 0);
            if (IsListenedTo && _measurement is null)
            {
                Volatile.Write(ref _measurement, await _graph.MeasureAsync(meters =>
                {
                    meters.CallDone += OnCallDone;
                    meters.Beat += Look;
                }));
            }
            else if (!IsListenedTo && _measurement is { } measurement)
            {
                Volatile.Write(ref _measurement, null);
                measurement.Meters.CallDone -= OnCallDone;
                measurement.Meters.Beat -= Look;
                await measurement.DisposeAsync();
            }
        }
        finally
        {
            _turn.Exit();
        }
    });

    /// <summary>The instruments are gone; nothing is measured for them any longer. To be called before the graph's loop ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _opened.Dispose();
            _meter.Dispose();
            await SynchronizeAsync();
        }
    }

    private T Measured<T>(T instrument)
        where T : Instrument
    {
        _measured.Add(instrument);
        return instrument;
    }

    private void CountMeasured(string name, string unit, string description, Func<RequestCounters, long> value)
    {
        Measured(_meter.CreateObservableCounter($"blockgraph.node.{name}", () => Nodes(value), unit, $"{description}, by node"));
        Measured(_meter.CreateObservableCounter($"blockgraph.edge.{name}", () => Edges(value), unit, $"{description}, by edge"));
    }

    private void CountBackends(string name, string unit, string description, Func<RequestCounters, long> value) =>
        _meter.CreateObservableCounter($"blockgraph.backend.{name}", () => Backends(value), unit, description);

    // Any thread, and from the middle of a request: what there is to do is done later, on the main context.
    private void Look()
    {
        if (IsListenedTo != (Volatile.Read(ref _measurement) is not null) && Interlocked.Exchange(ref _isLookPending, 1) == 0)
        {
            _graph.MainContext.Post(static state => _ = ((GraphMetrics)state!).SynchronizeAsync(), this);
        }
    }

    private void OnCallDone(MeteredCall call)
    {
        double seconds = call.ElapsedNs / NsPerSecond;
        if (_nodeDurations.Enabled)
        {
            _nodeDurations.Record(seconds, call.Node.Tags.Of(call.Kind));
        }

        if (_edgeDurations.Enabled && call.Edge is { } edge)
        {
            _edgeDurations.Record(seconds, edge.Tags.Of(call.Kind));
        }
    }

    private IEnumerable<Measurement<long>> Nodes(Func<RequestCounters, long> value) => MetersOfNodes().SelectMany(node => Operations(node.Lanes, node.Tags, value));

    private IEnumerable<Measurement<long>> Edges(Func<RequestCounters, long> value) => MetersOfEdges().SelectMany(edge => Operations(edge.Lanes, edge.Tags, value));

    private IEnumerable<Measurement<long>> NodesInFlight() => MetersOfNodes().Select(node => new Measurement<long>(node.Lanes.InFlightCount, node.Tags.All));

    private IEnumerable<Measurement<long>> EdgesInFlight() => MetersOfEdges().Select(edge => new Measurement<long>(edge.Lanes.InFlightCount, edge.Tags.All));

    private static IEnumerable<Measurement<long>> Operations(MeterLanes lanes, MeterTags tags, Func<RequestCounters, long> value)
    {
        foreach (RequestKind kind in Enum.GetValues<RequestKind>())
        {
            RequestCounters counters = lanes.CountersOf(kind);
            if (counters.OperationCount != 0)
            {
                yield return new Measurement<long>(value(counters), tags.Of(kind));
            }
        }
    }

    private IEnumerable<NodeMeter> MetersOfNodes()
    {
        Look();
        return Volatile.Read(ref _measurement) is { } measurement ? _graph.Nodes.Select(measurement.MeterOf).OfType<NodeMeter>() : [];
    }

    private IEnumerable<EdgeMeter> MetersOfEdges()
    {
        Look();
        return Volatile.Read(ref _measurement) is { } measurement ? _graph.Nodes.SelectMany(node => node.Parents).Select(measurement.MeterOf).OfType<EdgeMeter>() : [];
    }

    private IEnumerable<Measurement<T>> Backends<T>(Func<RequestCounters, T> value)
        where T : struct
    {
        foreach (IRootParent root in _graph.Roots.Where(root => root is IAccountedRoot))
        {
            foreach (RequestKind kind in Enum.GetValues<RequestKind>())
            {
                RequestCounters counters = ((IAccountedRoot)root).GetCounters(kind);
                if (counters.OperationCount != 0 || counters.InvalidCount != 0)
                {
                    yield return new Measurement<T>(value(counters), new("backend", _graph.RootLabels.Of(root)), new("operation", OperationName.Of(kind)));
                }
            }
        }
    }

    private IEnumerable<Measurement<long>> BackendsInFlight() =>
        _graph.Roots.Where(root => root is IAccountedRoot).Select(root => new Measurement<long>(((IAccountedRoot)root).InFlightCount, new KeyValuePair<string, object?>("backend", _graph.RootLabels.Of(root))));
}
