using System.Diagnostics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>Makes spans of requests that were slow, once they are over. Any context.</summary>
internal sealed class SlowRequestTracer(SlowRequestTracing options, RootLabels labels)
{
    private const long NsPerSecond = 1_000_000_000;
    private const long NsPerTick = 100;

    // One for the process, as listeners expect; it lives as long.
    private static readonly ActivitySource s_source = new(SlowRequestTracing.SourceName);
    private static readonly string[] s_operations = Array.ConvertAll(Enum.GetValues<RequestKind>(), OperationName.Of);

    private readonly Lock _lock = new();
    private long _secondEndNs = long.MinValue;
    private int _countInSecond;
    private long _suppressedCount;

    /// <summary>True where a span would reach anybody.</summary>
    public static bool IsListenedTo => s_source.HasListeners();

    /// <summary>A traced request is over: makes its spans, if it was slow. They go by the time of day that <paramref name="clock"/> knows.</summary>
    public void Conclude(TraceStage request, ActivityContext parent, AioContext clock)
    {
        if (request.ElapsedNs < options.ThresholdNs || !TryTakeTurn(request.EndNs, out long suppressedCount))
        {
            return;
        }

        SpanClock time = new(clock.TimeProvider.GetUtcNow(), clock.ReadNowNs());
        using Activity? span = Start("blockgraph.request", request, parent, time);
        if (span is null)
        {
            return;
        }

        IRootParent user = (IRootParent)request.Owner;
        span.SetTag("backend", labels.Of(user));
        span.SetTag("node", user.RootEdge?.Node.Name);
        span.SetTag("device_time", (double)request.DeviceNs / NsPerSecond);
        span.SetTag("wait_time", (double)(request.ElapsedNs - request.DeviceNs) / NsPerSecond);
        if (suppressedCount > 0)
        {
            span.SetTag("suppressed", suppressedCount);
        }

        AddLayers(span.Context, request, time);
        End(span, request, time);
    }

    private static void AddLayers(ActivityContext parent, TraceStage stage, SpanClock time)
    {
        foreach (TraceStage layer in stage.Below)
        {
            using Activity? span = Start("blockgraph.layer", layer, parent, time);
            if (span is null)
            {
                continue;
            }

            BlockNode node = (BlockNode)layer.Owner;
            span.SetTag("node", node.Name);
            span.SetTag("driver", node.Driver.Name);
            span.SetTag("self_time", (double)layer.SelfNs / NsPerSecond);
            AddLayers(span.Context, layer, time);
            End(span, layer, time);
        }
    }

    private static Activity? Start(string name, TraceStage stage, ActivityContext parent, SpanClock time)
    {
        Activity? span = s_source.StartActivity(name, ActivityKind.Internal, parent, null, null, time.At(stage.StartNs));
        span?.SetTag("operation", s_operations[(int)stage.Kind]);
        span?.SetTag("offset", stage.Offset);
        span?.SetTag("length", stage.LengthBytes);
        return span;
    }

    private static void End(Activity span, TraceStage stage, SpanClock time)
    {
        if (stage.Error is { } error)
        {
            span.SetTag("error.type", error is BlockException known ? known.Kind.ToString() : error.GetType().Name);
            span.SetStatus(ActivityStatusCode.Error, error.Message);
        }

        span.SetEndTime(time.At(stage.EndNs).UtcDateTime);
    }

    private bool TryTakeTurn(long nowNs, out long suppressedCount)
    {
        lock (_lock)
        {
            if (nowNs >= _secondEndNs)
            {
                _secondEndNs = nowNs + NsPerSecond;
                _countInSecond = 0;
            }

            suppressedCount = _suppressedCount;
            if (_countInSecond >= options.RequestsPerSecondMax)
            {
                _suppressedCount++;
                return false;
            }

            _countInSecond++;
            _suppressedCount = 0;
            return true;
        }
    }

    /// <summary>Turns instants of a monotonic clock into times of day.</summary>
    private readonly record struct SpanClock(DateTimeOffset Utc, long NowNs)
    {
        // What has not ended by itself, such as work that a layer leaves behind, ends now.
        public DateTimeOffset At(long instantNs) => Utc.AddTicks((Math.Min(instantNs, NowNs) - NowNs) / NsPerTick);
    }
}
