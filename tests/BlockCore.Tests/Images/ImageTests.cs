using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>What tests of work on whole images share: images in memory, and what was done to them.</summary>
public abstract class ImageTests : GraphTests
{
    protected const int Cluster = 4096;

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new ThrottleFilterDriver(), new BlkdebugDriver()]);

    /// <summary>Opens the storage called <paramref name="name"/>, for reading, with <paramref name="options"/> behind the others.</summary>
    protected Task<BlockBackend> OpenSourceAsync(string name, string driver = "memory", string options = "") =>
        Fixture.OpenAsync(OptionsOf(name, driver) + options, new BackendOptions { ReadOnly = true });

    /// <summary>Opens the storage called <paramref name="name"/>, for writing.</summary>
    protected Task<BlockBackend> OpenTargetAsync(string name, string driver = "memory", string options = "") => Fixture.OpenAsync(OptionsOf(name, driver) + options);

    /// <summary>Gives the storage called <paramref name="name"/> exactly <paramref name="bytes"/>.</summary>
    protected void Put(string name, byte[] bytes) => Fixture.Memory.Storage(name).Replace([.. bytes]);

    /// <summary>The storage called <paramref name="name"/> becomes a <c>cow</c> image in which <paramref name="clusters"/> are allocated, full of their number plus one.</summary>
    protected async Task PutCowAsync(string name, int clusterCount, int[] clusters, string? backing = null)
    {
        CowImage.Format(Fixture.Memory.Storage(name), new CowImageOptions((long)clusterCount * Cluster) { ClusterBytes = Cluster, BackingFileName = backing, BackingFormat = backing is null ? null : "raw" });
        await using BlockBackend backend = await OpenTargetAsync(name, "cow");
        foreach (int cluster in clusters)
        {
            byte[] bytes = new byte[Cluster];
            bytes.AsSpan().Fill((byte)(cluster + 1));
            await backend.WriteAsync((long)cluster * Cluster, bytes);
        }
    }

    /// <summary>Everything that <paramref name="backend"/> reads as.</summary>
    protected static async Task<byte[]> ReadAllAsync(BlockBackend backend)
    {
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        return bytes;
    }

    /// <summary>The requests of one kind that reached a storage, in the order of their effects.</summary>
    protected (long Offset, long Length)[] Requests(string name, RequestKind kind) =>
        [.. Fixture.Memory.Storage(name).Log.Where(request => request.Kind == kind).Select(request => (request.Offset, (long)request.LengthBytes))];

    /// <summary>Bytes that are nowhere zero, of a pattern that tells places apart.</summary>
    protected static byte[] Pattern(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(1 + (((i * 7) + (i / 251)) % 255)))];

    private static string OptionsOf(string name, string driver) =>
        driver is "memory" or "faulty" ? $"driver={driver},filename={name}" : $"driver={driver},file.driver=memory,file.filename={name}";

    /// <summary>Keeps what it is told, in order, and does something at one of the reports.</summary>
    protected sealed class Reports(int at = 0, Action? action = null) : IProgress<ImageProgress>
    {
        public List<ImageProgress> All { get; } = [];

        public void Report(ImageProgress value)
        {
            All.Add(value);
            if (All.Count == at)
            {
                action?.Invoke();
            }
        }
    }
}
