using System.Diagnostics;
using System.Diagnostics.Metrics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Luks;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Luks;

/// <summary>Whoever watches a graph, by events, metrics, traces, names, options or errors, is never told a passphrase.</summary>
[TestFixture]
[NonParallelizable]
public sealed class LuksSecretTests
{
    private const string Wrong = "not-the-passphrase-47";
    private readonly List<string> _told = [];

    [Test]
    public void No_observer_is_told_a_passphrase()
    {
        using MeterListener metricsListener = ListenToMetrics();
        using ActivityListener traceListener = ListenToTraces();
        using GraphFixture fixture = new(drivers: [new LuksDriver(), new Qcow2Driver(), new RawDriver()]);
        fixture.Run(async () =>
        {
            using IDisposable events = fixture.Graph.Events.Subscribe<BlockEvent>(told => Tell($"event {told}"));
            await using GraphMetrics metrics = new(fixture.Graph);
            await fixture.Graph.TraceSlowRequestsAsync(new SlowRequestTracing { ThresholdNs = 0, RequestsPerSecondMax = 1000 });
            await LuksImage.AddSecretAsync(fixture.Graph);
            await LuksImage.AddSecretAsync(fixture.Graph, "wrong", Wrong);
            foreach ((string driver, string prefix) in new[] { ("luks", ""), ("qcow2", "encrypt.") })
            {
                await LiveAsync(fixture, metrics, driver, prefix);
                metricsListener.RecordObservableInstruments();
            }
        });

        Assert.That(_told.Count(told => told.StartsWith("event", StringComparison.Ordinal)), Is.Positive, "events were heard");
        Assert.That(_told.Count(told => told.StartsWith("metric", StringComparison.Ordinal)), Is.Positive, "metrics were read");
        Assert.That(_told.Count(told => told.StartsWith("trace", StringComparison.Ordinal)), Is.Positive, "requests were traced");
        Assert.That(_told.Count(told => told.StartsWith("error", StringComparison.Ordinal)), Is.Positive, "something was refused");
        Assert.That(_told.Where(told => told.Contains(LuksImage.Passphrase, StringComparison.Ordinal) || told.Contains(Wrong, StringComparison.Ordinal)), Is.Empty);
    }

    private async Task LiveAsync(GraphFixture fixture, GraphMetrics metrics, string driver, string prefix)
    {
        OptionsDictionary create = new() { ["size"] = 1L << 16, [prefix + "key-secret"] = LuksImage.SecretId, [prefix + "iter-time"] = 0L };
        if (prefix.Length > 0)
        {
            create[prefix + "format"] = "luks";
        }

        await new ImageCreation(fixture.Graph, driver, $"memory:{driver}").CreateAsync(create);
        string open = $"driver={driver},node-name=top,file.driver=memory,file.filename={driver},file.latency-ns-max=1000,{prefix}key-secret=";
        Tell($"error {(await Failure.OfAsync(() => fixture.OpenAsync(open + "wrong"))).ToString()}");
        await using BlockBackend backend = await fixture.OpenAsync(open + LuksImage.SecretId, new BackendOptions { Name = "drive" });
        await metrics.SynchronizeAsync();
        await backend.WriteAsync(0, new byte[512]);
        await backend.AmendAsync(new OptionsDictionary { [prefix + "state"] = "active", [prefix + "new-secret"] = "wrong", [prefix + "iter-time"] = 0L });
        Tell($"error {(await Failure.OfAsync(() => backend.AmendAsync(new OptionsDictionary { [prefix + "state"] = "active", [prefix + "new-secret"] = "none" }))).ToString()}");
        BlockNode node = backend.Root!;
        Tell($"name {node.ShownFileName} {node.ExactFileName} {node.ShownFileNameWithBacking}");
        foreach ((string key, object? value) in node.Options)
        {
            Tell($"option {key}={value}");
        }
    }

    private MeterListener ListenToMetrics()
    {
        MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == GraphMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Tell($"metric {instrument.Name} {instrument.Description} {string.Join(' ', tags.ToArray())} {value}"));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Tell($"metric {instrument.Name} {instrument.Description} {string.Join(' ', tags.ToArray())} {value}"));
        listener.Start();
        return listener;
    }

    private ActivityListener ListenToTraces()
    {
        ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == SlowRequestTracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => Tell($"trace {activity.DisplayName} {string.Join(' ', activity.TagObjects)} {string.Join(' ', activity.Events.SelectMany(told => told.Tags))}"),
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private void Tell(string told)
    {
        lock (_told)
        {
            _told.Add(told);
        }
    }
}
