using System.Globalization;
using System.Text.RegularExpressions;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.Blkverify;
using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>Whether requests skip layers that have nothing to do is nobody's business: results, errors, bytes, counters, times and what reaches the storage are the same with plans on and off.</summary>
[TestFixture]
public sealed class PlanEqualityTests
{
    private const int RequestCount = 60;
    private const int LengthBytes = 64 * 1024;
    private const int OneFailsIn = 8;

    // DISK and OTHER stand for storage that fails now and then, each with options behind it.
    private static readonly string[] s_graphs =
    [
        "driver=faulty,filename=disk,align=1",
        "driver=raw,discard=unmap,file.driver=raw,file.discard=unmap,file.offset=4096,DISK(file.file.)",
        "driver=raw,offset=1000,size=30208,discard=unmap,detect-zeroes=unmap,DISK(file.)",
        "driver=raw,file.driver=throttle,file.file.driver=raw,DISK(file.file.file.)",
        "driver=throttle,limits.iops-total=5000,discard=unmap,file.driver=raw,file.discard=unmap,DISK(file.file.)",
        "driver=raw,discard=unmap,file.driver=blkdebug,file.discard=unmap,file.image.driver=raw,file.image.discard=unmap,DISK(file.image.file.)",
        "driver=blkdebug,align=1024,max-transfer=3072,opt-write-zero=2048,max-discard=4096,discard=unmap,image.driver=raw,image.discard=unmap,DISK(image.file.)",
        "driver=raw,file.driver=preallocate,file.prealloc-size=64k,file.prealloc-align=4k,DISK(file.file.)",
        "driver=raw,file.driver=copy-on-read,file.file.driver=cow,DISK(file.file.file.),OTHER(file.file.backing.)",
        "driver=cow,discard=unmap,file.driver=raw,file.discard=unmap,DISK(file.file.),backing.driver=raw,OTHER(backing.file.)",
        "driver=raw,file.driver=quorum,file.vote-threshold=1,file.children.0.driver=raw,DISK(file.children.0.file.),OTHER(file.children.1.)",
        "driver=raw,file.driver=blkverify,file.test.driver=raw,DISK(file.test.file.),OTHER(file.raw.)",
        "driver=raw,file.driver=throttle,file.file.driver=null-co,file.file.read-zeroes=on,file.file.size=65536,file.file.latency-ns=5000",
    ];

    [Test]
    public void Everything_is_the_same_with_plans_and_without([ValueSource(nameof(s_graphs))] string graph, [Values] bool isMeasured)
    {
        int failedCount = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            List<string> with = Run(graph, seed, usesPlans: true, isMeasured);
            List<string> without = Run(graph, seed, usesPlans: false, isMeasured);
            failedCount += with.Count(line => line.Contains("Input/output error", StringComparison.Ordinal));
            Assert.That(without, Is.EqualTo(with), $"seed {seed}: what {graph} did without plans, beside what it did with them");
        }

        Assert.That(failedCount > 0 || graph.Contains("null-co", StringComparison.Ordinal), "some requests have failed");
    }

    [Test]
    public void Every_driver_is_among_the_graphs()
    {
        string[] names = [.. Drivers().Select(driver => driver.Name).Where(name => name != "null-aio")];
        Assert.That(names.Where(name => !s_graphs.Any(graph => graph.Contains("driver=" + name, StringComparison.Ordinal))), Is.Empty, "drivers without a graph");
    }

    private static BlockDriver[] Drivers() =>
        [new RawDriver(), new ThrottleFilterDriver(), new BlkdebugDriver(), new PreallocateDriver(), new CopyOnReadDriver(), new QuorumDriver(), new BlkverifyDriver(), new NullCoDriver(), new NullAioDriver()];

    private static string Place(string graph, string name, string file)
    {
        int at = graph.IndexOf(name + "(", StringComparison.Ordinal);
        if (at < 0)
        {
            return graph;
        }

        int end = graph.IndexOf(')', at);
        string prefix = graph[(at + name.Length + 1)..end];
        return graph[..at] + string.Join(',', new[] { "driver=faulty", "filename=" + file, "align=512", "zeroes=on", "discard=unmap", "latency-ns-max=0" }.Select(option => prefix + option)) + graph[(end + 1)..];
    }

    private static List<string> Run(string graph, int seed, bool usesPlans, bool isMeasured)
    {
        List<string> log = [];
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed, HasExactTime = true }, Drivers(), new NodeGraphOptions { UsesPlans = usesPlans });
        FaultyDisk[] disks = [fixture.Faulty.Disk("disk", LengthBytes), fixture.Faulty.Disk("other", LengthBytes)];
        if (graph.Contains("driver=cow", StringComparison.Ordinal))
        {
            CowImage.Format(disks[0].Storage, new CowImageOptions(LengthBytes));
        }

        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync(Place(Place(graph, "DISK", "disk"), "OTHER", "other"));
            GraphMeasurement? measurement = isMeasured ? await fixture.Graph.MeasureAsync() : null;
            SeededRandom chance = new((ulong)seed);
            for (int i = 0; i < RequestCount; i++)
            {
                log.Add($"{i}: {await RequestAsync(backend, disks, chance)} at {fixture.Context.NowNs}");
            }

            log.AddRange(Enum.GetValues<RequestKind>().Select(kind => $"{kind}: {Text(backend, kind)}"));
            if (measurement is not null)
            {
                log.AddRange(measurement.ReadNodes().OrderBy(m => m.Node.Name, StringComparer.Ordinal).SelectMany(m => m.Operations.Select(o =>
                    $"{m.Node.Driver.Name}: {o.Kind} {o.Counters.OperationCount}x{o.Counters.ByteCount}, {o.Counters.FailedCount} failed, {o.Counters.TotalNs} ns")));
                await measurement.DisposeAsync();
            }

            byte[] contents = new byte[backend.LengthBytes];
            await backend.ReadAsync(0, contents);
            log.Add("contents: " + Hash(contents));
            await backend.DisposeAsync();
        });

        // The edges of a block that are read for a write are copied where the block is padded above the filter, and with plans it is padded below.
        foreach (FaultyDisk disk in graph.Contains("copy-on-read", StringComparison.Ordinal) ? [] : disks)
        {
            log.Add("calls: " + string.Join(", ", Enum.GetValues<StorageCall>().Select(call => $"{call} {disk.CountOf(call)}")));
            log.Add("bytes: " + Hash(disk.Storage.Bytes));
        }

        return log;
    }

    private static string Text(BlockBackend backend, RequestKind kind)
    {
        BlockCore.Accounting.RequestCounters counters = backend.GetCounters(kind);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{counters.OperationCount} requests, {counters.ByteCount} bytes, {counters.FailedCount} failed, {counters.InvalidCount} invalid, {counters.TotalNs} ns, the last at {counters.LastDoneNs}");
    }

    // What fails is what the request is about: the read of a block's edges that fails leaves a write undone that counts as one of the node that padded it.
    private static async Task<string> RequestAsync(BlockBackend backend, FaultyDisk[] disks, SeededRandom chance)
    {
        int length = chance.Next(9000);
        int offset = chance.Next((int)backend.LengthBytes) - (chance.OneIn(30) ? 1 << 20 : 0);
        length = chance.OneIn(15) ? length : Math.Max(0, (int)Math.Min(length, backend.LengthBytes - offset));
        byte value = (byte)chance.Next(3);

        // No NoFallback: a refusal counts as a write of the node that refuses, which is further down with plans, so that its next flush has something to do.
        RequestFlags zeroFlags = chance.Next(3) switch { 0 => RequestFlags.MayUnmap, 1 => RequestFlags.Fua, _ => RequestFlags.None };
        int kind = chance.Next(16);
        if (chance.OneIn(OneFailsIn))
        {
            StorageCall call = kind switch { < 5 => StorageCall.Read, < 12 => StorageCall.Write, < 13 => StorageCall.Discard, < 14 => StorageCall.Flush, _ => StorageCall.GetStatus };
            Array.ForEach(disks, disk => disk.FailNth(1, call, isSticky: true));
        }

        try
        {
            switch (kind)
            {
                case < 5:
                    byte[] bytes = new byte[length];
                    await backend.ReadAsync(offset, bytes);
                    return $"read {offset}+{length}: {Hash(bytes)}";
                case < 10:
                    byte[] written = new byte[length];
                    Array.Fill(written, value);
                    await backend.WriteAsync(offset, written, value == 1 ? RequestFlags.Fua : RequestFlags.None);
                    return $"write {offset}+{length}";
                case < 12:
                    await backend.WriteZeroesAsync(offset, length, zeroFlags);
                    return $"zero {offset}+{length} {zeroFlags}";
                case < 13:
                    await backend.DiscardAsync(offset, length);
                    return $"discard {offset}+{length}";
                case < 14:
                    await backend.FlushAsync();
                    return "flush";
                default:
                    BlockStatus status = await backend.GetStatusAsync(Math.Max(0, offset), Math.Max(1, length));
                    return $"status {offset}+{length}: {status.Flags} {status.LengthBytes} {status.HostOffset}";
            }
        }
        catch (BlockException error)
        {
            // A refusal names the node that the request had come to, and with plans it begins further down.
            return $"{kind} {offset}+{length}: {error.Kind}, {NodeName().Replace(error.Message, "a node")}";
        }
        finally
        {
            Array.ForEach(disks, disk => disk.Heal());
        }
    }

    private static Regex NodeName() => new("node '[^']*'");

    private static string Hash(byte[] bytes) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes))[..16];
}
