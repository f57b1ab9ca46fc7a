using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Observability;
using BlockGraph.Drivers;
using BlockGraph.Qapi;
using BlockGraph.Qapi.Options;
using Microsoft.Extensions.DependencyInjection;

await using ServiceProvider services = new ServiceCollection().AddBlockGraph().AddBlockDrivers().AddBlockQapi().BuildServiceProvider();
NodeGraph graph = services.GetRequiredService<NodeGraph>();

// Offers the instruments. The graph is measured from the moment that somebody listens.
await using GraphMetrics metrics = new(graph);
using MeterListener listener = new()
{
    InstrumentPublished = (instrument, self) =>
    {
        if (instrument.Meter.Name == GraphMetrics.MeterName && instrument.Name.StartsWith("blockgraph.node.", StringComparison.Ordinal))
        {
            self.EnableMeasurementEvents(instrument);
        }
    },
};
SortedDictionary<string, double> values = new(StringComparer.Ordinal);
List<double> durations = [];
listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => values[Describe(instrument, tags)] = value);
listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => durations.Add(seconds));
listener.Start();
await metrics.SynchronizeAsync();   // or it happens at the first collection

// Spans of requests that take 20 ms or longer, for whoever listens.
using ActivityListener spans = new()
{
    ShouldListenTo = source => source.Name == SlowRequestTracing.SourceName,
    Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
    ActivityStopped = span =>
    {
        string indent = span.OperationName == "blockgraph.request" ? "" : "  ";
        Console.WriteLine($"{indent}slow {span.GetTagItem("operation")} at {span.GetTagItem("node")}: error {span.GetTagItem("error.type") ?? "none"}");
    },
};
ActivitySource.AddActivityListener(spans);
await graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 20_000_000 });

await using (BlockBackend disk = await graph.OpenAsync(KeyvalParser.Parse("driver=raw,node-name=disk,file.driver=null-co,file.node-name=storage,file.size=1M,file.latency-ns=25000000")))
{
    await disk.WriteAsync(0, new byte[4096]);
    await graph.TraceSlowRequestsAsync(null);
    await disk.ReadAsync(0, new byte[4096]);
    listener.RecordObservableInstruments();
    Console.WriteLine($"{durations.Count} durations, the shortest {(durations.Min() >= 0.025 ? "as long as the storage takes" : "too short")}");

    // The same without a meter: counted for as long as the measurement lives, or somebody else's does.
    await using GraphMeasurement measurement = await graph.MeasureAsync();
    foreach (NodeMeasures node in measurement.ReadNodes())
    {
        foreach (OperationMeasures operation in node.Operations)
        {
            Console.WriteLine($"{node.Node.Name}: {operation.Counters.OperationCount} {operation.Kind}, {operation.Counters.ByteCount} bytes, p99 {(operation.Latencies.ValueAt(0.99) >= 25_000_000 ? "25 ms or more" : "too short")}");
        }
    }
}

foreach ((string name, double value) in values)
{
    Console.WriteLine($"{name} = {value.ToString(CultureInfo.InvariantCulture)}");
}

static string Describe(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
{
    List<string> words = [instrument.Name];
    foreach (KeyValuePair<string, object?> tag in tags)
    {
        words.Add($"{tag.Key}={tag.Value}");
    }

    return string.Join(' ', words);
}
