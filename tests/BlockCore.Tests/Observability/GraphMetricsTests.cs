using System.Diagnostics.Metrics;
using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Observability;

/// <summary>Pins what listeners of <c>System.Diagnostics.Metrics</c> see of a graph, and that it is free while there is none.</summary>
[TestFixture]
[NonParallelizable]
public sealed class GraphMetricsTests : GraphTests
{
    private readonly SortedDictionary<string, double> _seen = new(StringComparer.Ordinal);
    private readonly List<string> _durations = [];

    [SetUp]
    public void SetUp()
    {
        _seen.Clear();
        _durations.Clear();
    }

    [Test]
    public void A_listener_sees_nodes_edges_and_backends() => Fixture.Run(async () =>
    {
        // drive -> pass-through -> memory of 512-byte blocks, 1 ms
        using MeterListener listener = Listen(_ => true);
        await using GraphMetrics metrics = new(Fixture.Graph);
        BlockBackend backend = await Fixture.OpenAsync(
            "driver=pass-through,node-name=top,file.driver=memory,file.filename=disk,file.node-name=disk,file.align=512,file.latency-ns-max=0", new BackendOptions { Name = "drive" });
        await metrics.SynchronizeAsync();
        await backend.WriteAsync(10, new byte[20]);
        await backend.FlushAsync();
        await Failure.OfRequestAsync(() => backend.ReadAsync(-1, new byte[1]));
        listener.RecordObservableInstruments();
        Assert.That(_seen.Select(s => $"{s.Key}: {s.Value.ToString(CultureInfo.InvariantCulture)}"), Is.EqualTo(new[]
        {
            "blockgraph.backend.bytes drive flush: 0",
            "blockgraph.backend.bytes drive read: 0",
            "blockgraph.backend.bytes drive write: 20",
            "blockgraph.backend.errors drive flush: 0",
            "blockgraph.backend.errors drive read: 0",
            "blockgraph.backend.errors drive write: 0",
            "blockgraph.backend.in_flight drive: 0",
            "blockgraph.backend.operations drive flush: 1",
            "blockgraph.backend.operations drive read: 0",
            "blockgraph.backend.operations drive write: 1",
            "blockgraph.backend.rejected drive flush: 0",
            "blockgraph.backend.rejected drive read: 1",
            "blockgraph.backend.rejected drive write: 0",
            "blockgraph.backend.time drive flush: 0",
            "blockgraph.backend.time drive read: 0",
            "blockgraph.backend.time drive write: 0",
            "blockgraph.edge.bytes disk memory file top read: 512",
            "blockgraph.edge.bytes disk memory file top write: 512",
            "blockgraph.edge.bytes top pass-through root drive write: 20",
            "blockgraph.edge.errors disk memory file top read: 0",
            "blockgraph.edge.errors disk memory file top write: 0",
            "blockgraph.edge.errors top pass-through root drive write: 0",
            "blockgraph.edge.in_flight disk memory file top: 0",
            "blockgraph.edge.in_flight top pass-through root drive: 0",
            "blockgraph.edge.operations disk memory file top read: 1",
            "blockgraph.edge.operations disk memory file top write: 1",
            "blockgraph.edge.operations top pass-through root drive write: 1",
            "blockgraph.node.bytes disk memory flush: 0",
            "blockgraph.node.bytes disk memory read: 512",
            "blockgraph.node.bytes disk memory write: 512",
            "blockgraph.node.bytes top pass-through flush: 0",
            "blockgraph.node.bytes top pass-through write: 20",
            "blockgraph.node.errors disk memory flush: 0",
            "blockgraph.node.errors disk memory read: 0",
            "blockgraph.node.errors disk memory write: 0",
            "blockgraph.node.errors top pass-through flush: 0",
            "blockgraph.node.errors top pass-through write: 0",
            "blockgraph.node.in_flight disk memory: 0",
            "blockgraph.node.in_flight top pass-through: 0",
            "blockgraph.node.operations disk memory flush: 1",
            "blockgraph.node.operations disk memory read: 1",
            "blockgraph.node.operations disk memory write: 1",
            "blockgraph.node.operations top pass-through flush: 1",
            "blockgraph.node.operations top pass-through write: 1",
        }), "every instrument, with its tags");
        Assert.That(_durations, Is.EquivalentTo(new[]
        {
            "blockgraph.node.duration disk memory read", "blockgraph.edge.duration disk memory file top read", "blockgraph.node.duration disk memory write", "blockgraph.edge.duration disk memory file top write",
            "blockgraph.node.duration top pass-through write", "blockgraph.edge.duration top pass-through root drive write", "blockgraph.node.duration disk memory flush", "blockgraph.node.duration top pass-through flush",
        }), "every call once");
    });

    [Test]
    public void Whoever_collects_turns_measuring_on_and_whoever_leaves_turns_it_off() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=disk,latency-ns-max=1000000");
        await using GraphMetrics metrics = new(Fixture.Graph);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(Fixture.Graph.Meters, Is.Null, "nobody listens");
        MeterListener listener = Listen(_ => true);
        listener.RecordObservableInstruments();
        await Fixture.Context.DelayAsync(1000);
        Assert.That(Fixture.Graph.Meters, Is.Not.Null, "the first collection turns it on");
        Assert.That(_seen.Keys, Has.None.StartsWith("blockgraph.node"), "and finds nothing yet");
        await backend.ReadAsync(0, new byte[1]);
        listener.RecordObservableInstruments();
        Assert.That(_seen["blockgraph.node.operations disk memory read"], Is.EqualTo(1), "what came since");
        listener.Dispose();
        for (int i = 0; i < 2000 && Fixture.Graph.Meters is not null; i++)
        {
            await backend.ReadAsync(0, new byte[1]);
        }

        Assert.That(Fixture.Graph.Meters, Is.Null, "requests that flow notice that nobody listens");
        Assert.That(backend.Root!.Meter, Is.Null, "nothing is left");
    });

    [Test]
    public void A_listener_of_backends_alone_has_nothing_measured() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk");
        await using GraphMetrics metrics = new(Fixture.Graph);
        using MeterListener listener = Listen(name => name.StartsWith("blockgraph.backend", StringComparison.Ordinal));
        await backend.ReadAsync(0, new byte[1]);
        listener.RecordObservableInstruments();
        await metrics.SynchronizeAsync();
        Assert.That(Fixture.Graph.Meters, Is.Null, "what backends count is counted in any case");
        Assert.That(_seen["blockgraph.backend.operations #backend000 read"], Is.EqualTo(1), "a backend without a name has a number");
    });

    [Test]
    public void The_histogram_has_as_many_as_the_counter_however_often_listeners_come_and_go()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            SetUp();
            using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
            fixture.Run(async () =>
            {
                BlockBackend backend = await fixture.OpenAsync("driver=memory,filename=disk,node-name=disk,latency-ns-max=100000");
                GraphMetrics metrics = new(fixture.Graph);
                List<Task> flying = [];
                for (int i = 0; i < 40; i++)
                {
                    flying.Add(backend.ReadAsync(0, new byte[1]).AsTask());
                    await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(20_000));
                }

                using MeterListener listener = Listen(_ => true);
                Task synchronized = metrics.SynchronizeAsync();
                for (int i = 0; i < 40; i++)
                {
                    flying.Add(backend.ReadAsync(0, new byte[1]).AsTask());
                    await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(20_000));
                }

                await synchronized;
                await Task.WhenAll(flying);
                listener.RecordObservableInstruments();
                Assert.That(_durations.Count(d => d.StartsWith("blockgraph.node", StringComparison.Ordinal)), Is.EqualTo(_seen["blockgraph.node.operations disk memory read"]).And.GreaterThan(0), $"seed {seed}");
                await metrics.DisposeAsync();
                Assert.That(fixture.Graph.Meters, Is.Null, $"seed {seed}: with the metrics it ends");
            });
        }
    }

    private MeterListener Listen(Func<string, bool> wants)
    {
        MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == GraphMetrics.MeterName && wants(instrument.Name))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _seen[Name(instrument, tags)] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            if (instrument is Histogram<double>)
            {
                _durations.Add(Name(instrument, tags));
            }
            else
            {
                _seen[Name(instrument, tags)] = value;
            }
        });
        listener.Start();
        return listener;
    }

    private static string Name(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) => $"{instrument.Name} {string.Join(' ', tags.ToArray().Select(t => t.Value))}";
}
