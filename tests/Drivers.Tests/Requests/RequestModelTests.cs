using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>
/// Random requests against a byte array: every alignment that storage may ask for, random limits, many requests at once under random schedules. A failure
/// names the graph, the alignment and the seed, and the shortest load of that seed that fails.
/// </summary>
[TestFixture]
public sealed class RequestModelTests
{
    private const int SeedCount = 5;
    private const int RequestCount = 70;
    private const int RoundCount = 2;
    private const int WorkerCount = 7;
    private const int LengthBytes = 48 * 1024;
    private const int WindowBytes = 8 * 1024;
    private const byte Outside = 0x5A;

    private static readonly int[] s_alignments = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

    [Test]
    public void Memory_holds_what_was_written([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(alignment, _ => $"{Memory("", alignment)}");

    // raw (offset=, size=) -> memory: the window may begin anywhere.
    [Test]
    public void A_window_holds_what_was_written_and_nothing_beside_it_changes([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(
            alignment,
            chance => $"driver=raw,offset={WindowBytes - (chance.OneIn(2) ? 0 : 1 + chance.Next(WindowBytes))},size={LengthBytes},discard=unmap,{Memory("file.", alignment)}",
            prepare: (fixture, _) => fixture.Memory.Storage("disk", WindowBytes + LengthBytes + WindowBytes).Bytes.AsSpan().Fill(Outside));

    // raw (offset=) -> memory: the window ends where the storage does, and grows with it.
    [Test]
    public void An_open_window_holds_what_was_written([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(
            alignment,
            _ => $"driver=raw,offset={WindowBytes},discard=unmap,{Memory("file.", alignment)}",
            prepare: (fixture, _) => fixture.Memory.Storage("disk", WindowBytes + LengthBytes));

    // blkdebug (limits) -> memory (byte by byte)
    [Test]
    public void Behind_limits_of_blkdebug_is_what_was_written([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(alignment, chance => $"driver=blkdebug,discard=unmap,{BlkdebugLimits(alignment, chance)},{Memory("image.", 1)}");

    // shaped, which holds each call against its limits
    [Test]
    public void Calls_keep_to_any_limits_of_the_driver([ValueSource(nameof(s_alignments))] int alignment) => RunSeeds(alignment, _ => "driver=shaped,discard=unmap,detect-zeroes=unmap");

    [Test]
    public void A_throttled_image_holds_what_was_written([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(alignment, chance => $"driver=throttle,discard=unmap,limits.iops-total={20_000 + chance.Next(200_000)},{Memory("file.", alignment)}");

    // preallocate -> memory
    [Test]
    public void Over_space_that_is_allocated_ahead_is_what_was_written([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(alignment, chance => $"driver=preallocate,discard=unmap,prealloc-align={4096 << chance.Next(3)},prealloc-size={chance.Next(9) * 4096},{Memory("file.", alignment)}");

    // cow -> memory, backing: memory
    [Test]
    public void An_overlay_holds_what_was_written_over_its_backing([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(alignment, chance => Overlay("", alignment, chance), prepare: (fixture, chance) => PrepareOverlay(fixture, alignment, chance));

    // copy-on-read -> cow -> memory, backing: memory; or the backend of the cow node copies
    [Test]
    public void Copies_made_by_reads_change_nothing_that_is_read([ValueSource(nameof(s_alignments))] int alignment) =>
        RunSeeds(
            alignment,
            chance => chance.OneIn(2) ? Overlay("", alignment, chance) : $"driver=copy-on-read,discard=unmap,{Overlay("file.", alignment, chance)}",
            backend: new BackendOptions { CanResize = true, CopyOnRead = true },
            prepare: (fixture, chance) => PrepareOverlay(fixture, alignment, chance));

    private static string Memory(string prefix, int alignment) =>
        string.Join(',', new[] { "driver=memory", "filename=disk", $"align={alignment}", "latency-ns-max=40000", "zeroes=on", "discard=unmap", "detect-zeroes=unmap" }.Select(option => prefix + option));

    private static string Overlay(string prefix, int alignment, SeededRandom chance) =>
        $"{prefix}driver=cow,{prefix}discard=unmap,{prefix}lazy-table={(chance.OneIn(2) ? "on" : "off")},{Memory(prefix + "file.", alignment)},"
        + $"{prefix}backing.driver=memory,{prefix}backing.filename=base,{prefix}backing.align={alignment},{prefix}backing.latency-ns-max=40000";

    private static string BlkdebugLimits(int alignment, SeededRandom chance)
    {
        int zero = alignment * (1 << chance.Next(4));
        int discard = alignment * (1 << chance.Next(4));
        int[] values = [alignment * (1 + chance.Next(2048 / alignment + 4)), zero, zero * (1 + chance.Next(16)), discard, discard * (1 + chance.Next(16))];
        string[] names = ["max-transfer", "opt-write-zero", "max-write-zero", "opt-discard", "max-discard"];
        return $"align={alignment}" + string.Concat(names.Select((name, i) => chance.OneIn(4) ? "" : $",{name}={values[i]}"));
    }

    private static ShapedProtocol Shape(int alignment, SeededRandom chance) => new(
        new BlockLimits
        {
            RequestAlignmentBytes = alignment,
            MemoryAlignmentBytes = 1 << chance.Next(13),
            TransferBytesMax = chance.OneIn(4) ? null : alignment * (1 + chance.Next(2048 / alignment + 4)),
            WriteZeroesAlignmentBytes = alignment * (1 + chance.Next(8)),
            WriteZeroesBytesMax = chance.OneIn(3) ? null : alignment * (1 + chance.Next(4096 / alignment + 4)),
            DiscardAlignmentBytes = alignment * (1 + chance.Next(8)),
            DiscardBytesMax = chance.OneIn(3) ? null : alignment * (1 + chance.Next(4096 / alignment + 4)),
        },
        LengthBytes,
        chance)
    {
        ZeroesEfficiently = !chance.OneIn(3),
        WritesDurably = chance.OneIn(2),
    };

    // A format's clusters are no shorter than the blocks of what it lies on.
    private static void PrepareOverlay(GraphFixture fixture, int alignment, SeededRandom chance)
    {
        CowImage.Format(fixture.Memory.Storage("disk"), new CowImageOptions(LengthBytes) { ClusterBytes = Math.Max(alignment, 512 << chance.Next(5)) });
        byte[] backing = fixture.Memory.Storage("base", LengthBytes - (chance.OneIn(2) ? 0 : 16 * 1024)).Bytes;
        for (int i = 0; i < backing.Length; i++)
        {
            backing[i] = (byte)(1 + (i % 97));
        }
    }

    private static void RunSeeds(int alignment, Func<SeededRandom, string> options, BackendOptions? backend = null, Action<GraphFixture, SeededRandom>? prepare = null)
    {
        for (int seed = 0; seed < SeedCount; seed++)
        {
            if (Run(seed, alignment, RequestCount, options, backend, prepare) is { } fault)
            {
                int shortest = Enumerable.Range(1, RequestCount).First(count => count == RequestCount || Run(seed, alignment, count, options, backend, prepare) is not null);
                Assert.Fail($"alignment {alignment}, seed {seed}, {RequestCount} requests a round: {fault}\nwith {shortest} requests: {Run(seed, alignment, shortest, options, backend, prepare)}");
            }
        }
    }

    private static string? Run(int seed, int alignment, int requestCount, Func<SeededRandom, string> options, BackendOptions? backendOptions, Action<GraphFixture, SeededRandom>? prepare)
    {
        SeededRandom chance = new(unchecked((ulong)((seed * 8191) + alignment)));
        BlockDriver[] drivers = [new RawDriver(), new BlkdebugDriver(), new ThrottleFilterDriver(), new PreallocateDriver(), new CopyOnReadDriver(), Shape(alignment, chance)];
        GraphFixture fixture = new(new SimulationOptions { Seed = seed }, drivers);
        string? fault = null;
        string graph = "";
        try
        {
            fixture.Run(async () =>
            {
                prepare?.Invoke(fixture, chance);
                fixture.Memory.Storage("disk", LengthBytes);
                graph = options(chance);
                fault = await DriveAsync(fixture, graph, backendOptions ?? new BackendOptions { CanResize = true }, chance, alignment, requestCount);
            });
        }
        catch (Exception failure)
        {
            fixture.Abandon();
            fault = failure.ToString();
        }

        fixture.Dispose();
        return fault is null ? FaultOutside(fixture, graph) : $"{graph}: {fault}";
    }

    private static async Task<string?> DriveAsync(GraphFixture fixture, string graph, BackendOptions options, SeededRandom chance, int alignment, int requestCount)
    {
        BlockBackend backend = await fixture.OpenAsync(graph, options);
        AioContext[] contexts = [fixture.Context, chance.OneIn(3) ? fixture.World.CreateContext("other") : fixture.Context];
        await backend.AddSubmitterAsync(contexts[1]);
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        RequestHistory history = new(bytes);
        RequestLoad load = new(backend, chance, history, alignment);
        for (int round = 0; round < RoundCount && load.Fault is null; round++)
        {
            load.StartRound(requestCount);
            await Task.WhenAll(Enumerable.Range(0, WorkerCount).Select(i => contexts[i % 2].RunAsync(load.RunAsync)));
            await load.SettleAsync();
            await load.ShrinkAsync();
        }

        await backend.DisposeAsync();
        return load.Fault ?? await FaultAfterReopenAsync(fixture, graph, history);
    }

    // What was acknowledged outlives the nodes.
    private static async Task<string?> FaultAfterReopenAsync(GraphFixture fixture, string graph, RequestHistory history)
    {
        if (graph.StartsWith("driver=shaped", StringComparison.Ordinal))
        {
            return null;
        }

        await using BlockBackend backend = await fixture.OpenAsync(graph, new BackendOptions { ReadOnly = !graph.Contains("copy-on-read", StringComparison.Ordinal) });
        if (backend.LengthBytes != history.LengthBytes)
        {
            return $"the image has {backend.LengthBytes} bytes when it is opened again, not {history.LengthBytes}";
        }

        byte[] bytes = new byte[history.LengthBytes];
        long begunAt = history.Now();
        await backend.ReadAsync(0, bytes);
        return history.FindFault(0, bytes, begunAt, unitBytes: 1) is { } fault ? "opened again: " + fault : null;
    }

    private static string? FaultOutside(GraphFixture fixture, string graph)
    {
        if (!graph.Contains("size=" + LengthBytes, StringComparison.Ordinal))
        {
            return null;
        }

        byte[] bytes = fixture.Memory.Storage("disk").Bytes;
        int offset = int.Parse(graph.Split("offset=")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture);
        bool isUntouched = bytes.AsSpan(0, offset).IndexOfAnyExcept(Outside) < 0 && bytes.AsSpan(offset + LengthBytes).IndexOfAnyExcept(Outside) < 0;
        return isUntouched && bytes.Length == LengthBytes + (2 * WindowBytes) ? null : $"{graph}: what lies outside of the window has changed";
    }
}
