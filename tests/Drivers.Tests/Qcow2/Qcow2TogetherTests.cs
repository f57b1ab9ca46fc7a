using BlockGraph.BlockCore.Backend;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>Writes over clusters that lie together in the file, some of which read as zeros: they stay where they are, and one request writes them.</summary>
[TestFixture]
public sealed class Qcow2TogetherTests : Qcow2ImageTestBase
{
    private const int Cluster = 65536;
    private const int Length = 4 * Cluster;

    // guest: | 1 1 1 1 | 0 0 0 0 | 1 1 1 1 | 0 0 0 0 |   all in four clusters that lie together; with subclusters the first half of the last one has zeros
    private async Task<BlockBackend> MakeAsync(bool hasSubclusters, bool isLate)
    {
        BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = Length, HasExtendedL2 = hasSubclusters, HasLazyRefcounts = isLate });
        await WriteAsync(backend, 0, Length, 1);
        await backend.WriteZeroesAsync(Cluster, Cluster);
        await backend.WriteZeroesAsync(3 * Cluster, hasSubclusters ? Cluster / 2 : Cluster);
        await backend.FlushAsync();
        return backend;
    }

    private static byte[] Before(bool hasSubclusters)
    {
        byte[] bytes = new byte[Length];
        bytes.AsSpan(0, Cluster).Fill(1);
        bytes.AsSpan(2 * Cluster, Cluster).Fill(1);
        bytes.AsSpan((3 * Cluster) + (hasSubclusters ? Cluster / 2 : Cluster)).Fill(1);
        return bytes;
    }

    private static byte[] After(bool hasSubclusters, int offset, int length)
    {
        byte[] bytes = Before(hasSubclusters);
        bytes.AsSpan(offset, length).Fill(2);
        return bytes;
    }

    private static async Task<long> PlaceAsync(BlockBackend backend, long offset) =>
        (await backend.GetStatusAsync(offset, 1)).HostOffset;

    [Test]
    public void They_are_written_at_once_where_they_are([Values] bool hasSubclusters, [Values(0, 512, 40_000, Cluster, Cluster + 1000)] int start, [Values(3 * Cluster, 3 * Cluster + 3000, Length)] int end) => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAsync(hasSubclusters, isLate: false))
        {
            long place = await PlaceAsync(backend, 0);
            int writeCount = Disk.CountOf(StorageCall.Write);
            await WriteAsync(backend, start, end - start, 2);
            Assert.That(Disk.CountOf(StorageCall.Write) - writeCount, Is.EqualTo(1), "requests to the file");
            for (int offset = 0; offset < Length; offset += Cluster)
            {
                Assert.That(await PlaceAsync(backend, offset), Is.EqualTo(place + offset), $"where {offset} is");
            }

            Assert.That(await ReadAllAsync(backend), Is.EqualTo(After(hasSubclusters, start, end - start)), "what it reads");
        }

        RequireSound(Disk.Storage.Bytes, "in the end");
        await using BlockBackend again = await OpenAsync(isReadOnly: true);
        Assert.That(await ReadAllAsync(again), Is.EqualTo(After(hasSubclusters, start, end - start)), "what it reads when it is opened again");
    });

    [Test]
    public void In_a_data_file_everything_lies_together() => Fixture.Run(async () =>
    {
        FaultyDisk data = Fixture.Faulty.Disk("data");
        data.Storage.Replace(new byte[Length]);
        await using BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = Length, DataFileName = "data" }, ",data-file.driver=faulty,data-file.filename=data");
        await WriteAsync(backend, 2 * Cluster, 1000, 1);
        int writeCount = data.CountOf(StorageCall.Write);
        await WriteAsync(backend, 1000, 3 * Cluster, 2);
        Assert.That(data.CountOf(StorageCall.Write) - writeCount, Is.EqualTo(1), "requests to the data file");
        byte[] expected = new byte[Length];
        expected.AsSpan(1000, 3 * Cluster).Fill(2);
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "what it reads");
        Assert.That((await backend.CheckAsync()).IsClean, Is.True, "nothing is wrong");
    });

    [Test]
    public void A_power_cut_leaves_what_was_there_or_what_was_written([Values] bool hasSubclusters, [Values] bool isLate, [Values] bool isFlushed, [Range(1, 8)] int seed) => Fixture.Run(async () =>
    {
        const int Start = 1000;
        const int WriteBytes = 3 * Cluster + 1000;
        await using BlockBackend backend = await MakeAsync(hasSubclusters, isLate);
        await WriteAsync(backend, Start, WriteBytes, 2);
        if (isFlushed)
        {
            await backend.FlushAsync();

            // Entries are durable with the flush that comes after them.
            await backend.FlushAsync();
        }

        byte[] left = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)seed));
        if (!isLate)
        {
            RequireSound(left, "after the power cut", mayLeak: true);
        }

        Fixture.Faulty.Disk("left").Storage.Replace(left);
        await using BlockBackend after = await Fixture.OpenAsync("driver=qcow2,file.driver=faulty,file.filename=left,read-only=on", new BackendOptions { ReadOnly = true });
        byte[] read = await ReadAllAsync(after);
        (byte[] old, byte[] written) = (Before(hasSubclusters), After(hasSubclusters, Start, WriteBytes));
        int wrong = Enumerable.Range(0, Length).FirstOrDefault(i => read[i] != written[i] && (isFlushed || read[i] != old[i]), -1);
        Assert.That(wrong, Is.EqualTo(-1), "the first byte that was never there");
    });

    [Test]
    public void What_fails_leaves_them_where_they_are([Values] bool hasSubclusters)
    {
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            Assert.That(failing, Is.LessThan(100), "it comes to its end");
            TearDownFixture();
            SetUpFixture();
            Fixture.Run(async () =>
            {
                await using (BlockBackend backend = await MakeAsync(hasSubclusters, isLate: false))
                {
                    Disk.FailNth(failing);
                    bool isDone = await Failure.IsDoneAsync(() => WriteAsync(backend, 1000, 3 * Cluster, 2));
                    bool isFlushed = await Failure.IsDoneAsync(() => backend.FlushAsync().AsTask());
                    isOver = isDone && isFlushed && Disk.FailedCount == 0;
                    Disk.Heal();
                    Assert.That(new ArraySegment<byte>(await ReadAllAsync(backend), 0, 1000), Is.All.EqualTo(1), $"call {failing}: beside it");
                    await WriteAsync(backend, 1000, 3 * Cluster, 3);
                    Assert.That(await PlaceAsync(backend, 3 * Cluster), Is.EqualTo(await PlaceAsync(backend, 0) + (3 * Cluster)), $"call {failing}: they lie together still");
                }

                RequireSound(Disk.Storage.Bytes, $"call {failing}");
            });
        }
    }
}
