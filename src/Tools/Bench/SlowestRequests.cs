using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Tools.Bench;

/// <summary>Listens to the spans of slow requests, keeps the slowest, and shows where their time went.</summary>
internal sealed class SlowestRequests : IDisposable
{
    private const int KeptCount = 5;
    private const string RequestName = "blockgraph.request";
    private readonly ActivityListener _listener;
    private readonly long _thresholdNs;

    // Those kept, slowest first, and all spans of their traces; a request's layers come before it.
    private readonly List<Activity> _requests = [];
    private readonly Dictionary<ActivityTraceId, List<Activity>> _layers = [];

    /// <summary>Listens from now on.</summary>
    public SlowestRequests(long thresholdNs)
    {
        _thresholdNs = thresholdNs;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SlowRequestTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = OnStopped,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>What must be traced to be heard of here: everything slow.</summary>
    public SlowRequestTracing Tracing => new() { ThresholdNs = _thresholdNs, RequestsPerSecondMax = int.MaxValue };

    /// <summary>How many requests were slow.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    /// <summary>Prints the slowest requests, each with its layers.</summary>
    public void PrintText(TextWriter output)
    {
        output.WriteLine($"{Count} requests took {BenchScreen.Duration(_thresholdNs)} or longer{(Count > _requests.Count ? $"; the {_requests.Count} slowest:" : Count == 0 ? "" : ":")}");
        foreach (Activity request in _requests)
        {
            output.WriteLine(
                $"{Text(request, "operation")} {Text(request, "offset")}+{Text(request, "length")}: {Duration(request)}, storage {Seconds(request, "device_time")}, waiting {Seconds(request, "wait_time")}"
                + (request.Status == ActivityStatusCode.Error ? $", failed: {request.StatusDescription}" : ""));
            PrintLayers(output, request, request.SpanId, indent: 2);
        }
    }

    /// <summary>Writes the member <c>slow_requests</c> of an object.</summary>
    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("slow_requests");
        writer.WriteNumber("count", Count);
        writer.WriteStartArray("slowest");
        foreach (Activity request in _requests)
        {
            writer.WriteStartObject();
            writer.WriteString("operation", Text(request, "operation"));
            writer.WriteNumber("offset", (long)request.GetTagItem("offset")!);
            writer.WriteNumber("length", (long)request.GetTagItem("length")!);
            writer.WriteNumber("duration_ns", NsOf(request));
            writer.WriteNumber("device_ns", NsOf(request, "device_time"));
            WriteLayers(writer, request, request.SpanId);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static double NsOf(Activity span) => span.Duration.Ticks * 100;

    private static double NsOf(Activity span, string tag) => Math.Round((double)span.GetTagItem(tag)! * 1e9);

    private static string Duration(Activity span) => BenchScreen.Duration(NsOf(span));

    private static string Seconds(Activity span, string tag) => BenchScreen.Duration(NsOf(span, tag));

    private static string Text(Activity span, string tag) => string.Create(CultureInfo.InvariantCulture, $"{span.GetTagItem(tag)}");

    private IEnumerable<Activity> LayersBelow(Activity request, ActivitySpanId parent) =>
        _layers[request.TraceId].Where(layer => layer.ParentSpanId == parent).OrderBy(layer => layer.StartTimeUtc);

    private void PrintLayers(TextWriter output, Activity request, ActivitySpanId parent, int indent)
    {
        foreach (Activity layer in LayersBelow(request, parent))
        {
            string name = $"{new string(' ', indent)}{Text(layer, "node")} ({Text(layer, "driver")})";
            string begun = BenchScreen.Duration((layer.StartTimeUtc - request.StartTimeUtc).Ticks * 100);
            output.WriteLine($"{name,-28} {Text(layer, "operation"),-12} after {begun,-9} {Duration(layer),-9} itself {Seconds(layer, "self_time")}");
            PrintLayers(output, request, layer.SpanId, indent + 2);
        }
    }

    private void WriteLayers(Utf8JsonWriter writer, Activity request, ActivitySpanId parent)
    {
        writer.WriteStartArray("layers");
        foreach (Activity layer in LayersBelow(request, parent))
        {
            writer.WriteStartObject();
            writer.WriteString("node", Text(layer, "node"));
            writer.WriteString("operation", Text(layer, "operation"));
            writer.WriteNumber("duration_ns", NsOf(layer));
            writer.WriteNumber("self_ns", NsOf(layer, "self_time"));
            WriteLayers(writer, request, layer.SpanId);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private void OnStopped(Activity span)
    {
        if (span.OperationName != RequestName)
        {
            (_layers.TryGetValue(span.TraceId, out List<Activity>? layers) ? layers : _layers[span.TraceId] = []).Add(span);
            return;
        }

        _layers.TryAdd(span.TraceId, []);
        Count++;
        int place = _requests.FindIndex(kept => kept.Duration < span.Duration);
        _requests.Insert(place < 0 ? _requests.Count : place, span);
        if (_requests.Count > KeptCount)
        {
            _layers.Remove(_requests[^1].TraceId);
            _requests.RemoveAt(_requests.Count - 1);
        }
    }
}
