using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>
/// One seeded run of a whole graph: writers with a region each over throttle, pass-through, raw and memory, while drains come and
/// go and an observer is switched on and off. Every read is checked against the writer's own model of its bytes.
/// </summary>
/// <remarks>
/// What a writer does follows from the seed alone, not from the order of things: two runs of one seed with different scheduling
/// must leave the same bytes and the same counters.
/// </remarks>
internal sealed class GraphRun : IDisposable
{
    private const int WriterCount = 6;
    private const int RegionBytes = 12_000;
    private const int RequestCount = 40;
    private const int WindowOffset = 4096;
    private readonly int _seed;
    private readonly GraphFixture _fixture;
    private readonly CountingObserver _observer = new();
    private int _runningCount = WriterCount;

    public GraphRun(int seed, bool usesPlans = true)
    {
        _seed = seed;
        _fixture = new GraphFixture(
            new SimulationOptions { Seed = seed }, [new ThrottleFilterDriver(), new RawDriver()], new NodeGraphOptions { UsesPlans = usesPlans });
    }

    /// <summary>The bytes of the storage at the end.</summary>
    public byte[] Bytes => [.. _fixture.Memory.Storage("disk").Bytes];

    /// <summary>The counters at the end, by kind.</summary>
    public List<(long Operations, long Bytes, long Failed)> Counters { get; } = [];

    /// <summary>The hash of everything that happened.</summary>
    public ulong EventHash => _fixture.World.EventHash;

    /// <summary>How many drains there were.</summary>
    public int DrainCount { get; private set; }

    /// <summary>How many requests the observer heard of.</summary>
    public long ObservedCount => _observer.Count;

    public void Dispose() => _fixture.Dispose();

    public void Execute() => _fixture.Run(async () =>
    {
        int alignment = _seed % 2 == 0 ? 512 : 1;
        await using BlockBackend backend = await _fixture.Graph.OpenAsync(KeyvalParser.Parse(
            "driver=throttle,node-name=top,discard=unmap,limits.iops-total=20000,limits.bps-write=40000000,file.driver=pass-through,file.file.driver=raw,"
            + $"file.file.offset={WindowOffset},file.file.size=128K,file.file.file.driver=memory,file.file.file.node-name=leaf,file.file.file.filename=disk,"
            + $"file.file.file.align={alignment},file.file.file.latency-ns-max=150000"));
        Task disturbers = Task.WhenAll(DrainNowAndThenAsync(backend), ObserveNowAndThenAsync());
        await Task.WhenAll(Enumerable.Range(0, WriterCount).Select(i => WriteAsync(backend, i)));
        await disturbers;
        Assert.That(backend.InFlightCount, Is.Zero, $"seed {_seed}: nothing is left in flight");
        foreach (RequestKind kind in Enum.GetValues<RequestKind>())
        {
            RequestCounters counters = backend.GetCounters(kind);
            Counters.Add((counters.OperationCount, counters.ByteCount, counters.FailedCount));
        }
    });

    private async Task WriteAsync(BlockBackend backend, int writer)
    {
        SeededRandom chance = new((ulong)((_seed * 1000) + writer));
        byte[] model = new byte[RegionBytes];
        long start = (long)writer * RegionBytes;
        for (int i = 0; i < RequestCount; i++)
        {
            int length = 1 + chance.Next(3000);
            int at = chance.Next(RegionBytes - length);
            await RequestAsync(backend, chance, model.AsMemory(at, length), start + at, (byte)(1 + chance.Next(255)));
        }

        await CheckAsync(backend, model, start, "at the end");
        _runningCount--;
    }

    private async Task RequestAsync(BlockBackend backend, SeededRandom chance, Memory<byte> model, long offset, byte value)
    {
        switch (chance.Next(6))
        {
            case 0:
                await backend.WriteZeroesAsync(offset, model.Length);
                model.Span.Clear();
                break;
            case 1:
                await CheckAsync(backend, model, offset, "before a discard");
                await backend.DiscardAsync(offset, model.Length);
                await LearnAsync(backend, model, offset);
                break;
            case 2:
                await backend.FlushAsync();
                break;
            case 3:
                await CheckAsync(backend, model, offset, "by a read");
                break;
            default:
                byte[] data = new byte[model.Length];
                data.AsSpan().Fill(value);
                await backend.WriteAsync(offset, data, chance.OneIn(4) ? RequestFlags.Fua : RequestFlags.None);
                data.CopyTo(model);
                break;
        }
    }

    private async Task CheckAsync(BlockBackend backend, Memory<byte> model, long offset, string when)
    {
        byte[] read = new byte[model.Length];
        await backend.ReadAsync(offset, read);
        Assert.That(read.AsSpan().SequenceEqual(model.Span), Is.True, $"seed {_seed}: bytes from {offset} on, {when}");
    }

    // A discard lets go of whole blocks only: each byte is what it was, or zero.
    private async Task LearnAsync(BlockBackend backend, Memory<byte> model, long offset)
    {
        byte[] read = new byte[model.Length];
        await backend.ReadAsync(offset, read);
        for (int i = 0; i < read.Length; i++)
        {
            Assert.That(read[i] == 0 || read[i] == model.Span[i], Is.True, $"seed {_seed}: byte {offset + i} after a discard");
        }

        read.CopyTo(model);
    }

    private async Task DrainNowAndThenAsync(BlockBackend backend)
    {
        MemoryStorage storage = _fixture.Memory.Storage("disk");
        while (_runningCount > 0)
        {
            await _fixture.Context.DelayAsync(_fixture.World.Chance.NextLong(2_000_000));
            await using DrainScope scope = await backend.DrainAsync();
            DrainCount++;
            int before = storage.Log.Count;
            Assert.That(backend.InFlightCount, Is.Zero, $"seed {_seed}: quiet when the drain has begun");
            await _fixture.Context.DelayAsync(_fixture.World.Chance.NextLong(500_000));
            Assert.That(storage.Log, Has.Count.EqualTo(before), $"seed {_seed}: nothing arrives while drained");
        }
    }

    private async Task ObserveNowAndThenAsync()
    {
        BlockNode leaf = _fixture.Graph.FindNode("leaf")!;
        MemoryStorage storage = _fixture.Memory.Storage("disk");
        while (_runningCount > 0)
        {
            await _fixture.Graph.ObserveAsync(leaf, _observer);
            int from = storage.Log.Count(r => r.Kind != RequestKind.Flush);
            long seenBefore = _observer.Count;
            await _fixture.Context.DelayAsync(_fixture.World.Chance.NextLong(1_000_000));
            await _fixture.Graph.ObserveAsync(leaf, null);
            long arrived = storage.Log.Count(r => r.Kind != RequestKind.Flush) - from;
            Assert.That(_observer.Count - seenBefore, Is.GreaterThanOrEqualTo(arrived == 0 ? 0 : 1), $"seed {_seed}: the observer hears of what arrives");
            await _fixture.Context.DelayAsync(_fixture.World.Chance.NextLong(1_000_000));
        }
    }

    private sealed class CountingObserver : INodeObserver
    {
        public long Count { get; private set; }

        public void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess)
        {
            Assert.That(endNs, Is.GreaterThanOrEqualTo(startNs), "no request ends before it starts");
            Count++;
        }
    }
}
