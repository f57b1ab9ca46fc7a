using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <content>Measuring and tracing. Both are switched inside a drain of everything, so that no request is seen by half.</content>
public sealed partial class NodeGraph
{
    private readonly CoMutex _observing = new();
    private GraphMeters? _meters;
    private SlowRequestTracer? _tracer;
    private int _measurementCount;

    /// <summary>What users are called in metrics and spans.</summary>
    internal RootLabels RootLabels { get; } = new();

    /// <summary>The meters while the graph is measured, or null.</summary>
    internal GraphMeters? Meters => Volatile.Read(ref _meters);

    /// <summary>Who makes spans of slow requests, or null.</summary>
    internal SlowRequestTracer? Tracer => Volatile.Read(ref _tracer);

    /// <summary>
    /// Counts, from now on until the result is disposed, what every node carries out and by way of which edge: nodes that come later, too. Requests are drained for a moment, and pass
    /// every layer from then on, whether or not it has anything to do. Any thread.
    /// </summary>
    public Task<GraphMeasurement> MeasureAsync() => MeasureAsync(null);

    /// <summary>As the public one; <paramref name="listen"/> is called while nothing is in flight, so that who listens hears of all that is counted from then on.</summary>
    internal Task<GraphMeasurement> MeasureAsync(Action<GraphMeters>? listen) => MainContext.RunAsync(async () =>
    {
        await _observing.EnterAsync();
        try
        {
            if (_measurementCount == 0 || listen is not null)
            {
                GraphMeters meters = _meters ?? new GraphMeters();
                await SwitchMetersAsync(meters, () => listen?.Invoke(meters));
            }

            _measurementCount++;
            return new GraphMeasurement(this, _meters!);
        }
        finally
        {
            _observing.Exit();
        }
    });

    /// <summary>
    /// Makes spans, for whoever listens to the activity source <see cref="SlowRequestTracing.SourceName"/>, of requests that turn out slow; null makes none. The graph is measured
    /// meanwhile. Any thread.
    /// </summary>
    public Task TraceSlowRequestsAsync(SlowRequestTracing? tracing) => MainContext.RunAsync(async () =>
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tracing?.ThresholdNs ?? 0);
        ArgumentOutOfRangeException.ThrowIfNegative(tracing?.RequestsPerSecondMax ?? 0);
        await _observing.EnterAsync();
        try
        {
            bool wasTracing = _tracer is not null;
            if (tracing is null && !wasTracing)
            {
                return;
            }

            _measurementCount += (tracing is null ? 0 : 1) - (wasTracing ? 1 : 0);
            GraphMeters? meters = _measurementCount == 0 ? null : _meters ?? new GraphMeters();
            await SwitchMetersAsync(meters, () => SetTracer(tracing is null ? null : new SlowRequestTracer(tracing, RootLabels)));
        }
        finally
        {
            _observing.Exit();
        }
    });

    /// <summary>One measurement is over.</summary>
    internal Task EndMeasuringAsync() => MainContext.RunAsync(async () =>
    {
        await _observing.EnterAsync();
        try
        {
            _measurementCount--;
            if (_measurementCount == 0)
            {
                await SwitchMetersAsync(null);
            }
        }
        finally
        {
            _observing.Exit();
        }
    });

    private void SetTracer(SlowRequestTracer? tracer)
    {
        Volatile.Write(ref _tracer, tracer);
        if (_meters is not null)
        {
            _meters.IsTracing = tracer is not null;
        }

        foreach (IAccountedRoot user in _roots.List.OfType<IAccountedRoot>())
        {
            user.OnTracingChanged();
        }
    }

    private async Task SwitchMetersAsync(GraphMeters? meters, Action? alongWith = null)
    {
        await using (await DrainScope.BeginAllAsync(this))
        {
            bool isOver = meters is null && _meters is not null;
            Volatile.Write(ref _meters, meters);
            alongWith?.Invoke();
            if (isOver)
            {
                ForgetMeters();
            }

            BumpEpoch();
        }
    }

    private void ForgetMeters()
    {
        foreach (BlockNode node in _everyNode.List)
        {
            node.Meter = null;
            foreach (BlockChild edge in node.Parents)
            {
                edge.Meter = null;
            }
        }
    }
}
