using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>Tables that need several clusters side by side.</summary>
[TestFixture]
public sealed class Qcow2GrowthTests
{
    private const int ClusterBytes = 512;
    private const int LengthBytes = 1 << 20;
    private const long LongLengthBytes = 64 << 20;

    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new Qcow2Driver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    // file: | used | free | used | free | …   the new L1 table needs 32 clusters together
    [Test]
    public void A_longer_table_finds_its_place_behind_holes_that_are_too_short() => _fixture.Run(async () =>
    {
        await using (BlockBackend backend = await OpenAsync())
        {
            byte[] expected = await MakeHolesAsync(backend);
            await backend.TruncateAsync(LongLengthBytes);
            Assert.That(backend.LengthBytes, Is.EqualTo(LongLengthBytes), "the length");
            byte[] read = new byte[LengthBytes];
            await backend.ReadAsync(0, read);
            Assert.That(read, Is.EqualTo(expected), "what was there");
            await backend.WriteAsync(LongLengthBytes - ClusterBytes, new byte[ClusterBytes]);
        }

        await RequireCleanAsync("holes are free again");
    });

    // file: | what was there | table, longer than what a block counts | blocks     With counts of 64 bits the table of blocks becomes too short, too.
    [TestCase(4, 1L << 30, 256 << 10)]
    [TestCase(6, 256L << 20, 64 << 10)]
    [TestCase(6, 8L << 30, 2 << 20)]
    public void A_table_that_needs_several_blocks_of_counts_takes_its_own_length_and_little_more(int refcountOrder, long lengthBytes, int tableBytes) => _fixture.Run(async () =>
    {
        await using (BlockBackend backend = await OpenAsync(refcountOrder))
        {
            int fileBytes = _fixture.Faulty.Disk("disk").Storage.Bytes.Length;
            await backend.TruncateAsync(lengthBytes);
            await backend.WriteAsync(lengthBytes - ClusterBytes, new byte[ClusterBytes]);
            await backend.FlushAsync();
            Assert.That(_fixture.Faulty.Disk("disk").Storage.Bytes, Has.Length.InRange(fileBytes + tableBytes, fileBytes + (tableBytes * 5 / 4)), "bytes of the file");
        }

        await using BlockBackend closed = await _fixture.OpenAsync("driver=qcow2,file.driver=faulty,file.filename=disk,read-only=on", new BackendOptions { ReadOnly = true });
        Assert.That(await closed.CheckAsync(), Has.Property("CorruptionCount").Zero.And.Property("LeakCount").Zero, "counts");
    });

    [TestCase(4, LongLengthBytes)]
    [TestCase(6, 256L << 20)]
    public void A_longer_table_that_cannot_be_had_leaves_the_image_as_it_was(int refcountOrder, long longLengthBytes) => _fixture.Run(async () =>
    {
        bool isDone = false;
        for (int failing = 1; !isDone; failing++)
        {
            FaultyDisk disk = _fixture.Faulty.Disk("disk");
            int failedBefore = disk.FailedCount;
            await using (BlockBackend backend = await OpenAsync(refcountOrder))
            {
                byte[] expected = await MakeHolesAsync(backend);
                disk.FailNth(failing, error: BlockErrorKind.NoSpace);
                try
                {
                    await backend.TruncateAsync(longLengthBytes);
                    isDone = disk.FailedCount == failedBefore;
                }
                catch (BlockException error)
                {
                    Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NoSpace), $"call {failing}: one answer");
                }

                disk.Heal();
                byte[] read = new byte[LengthBytes];
                await backend.ReadAsync(0, read);
                Assert.That(read, Is.EqualTo(expected), $"call {failing}: what was there");
                await backend.TruncateAsync(longLengthBytes);
                Assert.That(backend.LengthBytes, Is.EqualTo(longLengthBytes), $"call {failing}: it grows once there is room");
            }

            await RequireCleanAsync($"call {failing}");
        }
    });

    // Clusters of 512 bytes and counts of 64 bits: a block counts 64 clusters.   file: | head | data … data | block | data
    [Test]
    public void What_is_written_at_once_lies_together_and_new_blocks_of_counts_behind_it() => _fixture.Run(async () =>
    {
        _fixture.Faulty.Disk("disk").Storage.Replace(new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 9, RefcountOrder = 6 }.CreateHeaderArea()).ToArray());
        await using (BlockBackend backend = await _fixture.OpenAsync("driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk"))
        {
            await WriteFilledAsync(backend, 0, 32 << 10);
            await WriteFilledAsync(backend, 32 << 10, 32 << 10);
        }

        byte[] file = _fixture.Faulty.Disk("disk").Storage.Bytes;
        int first = file.AsSpan().IndexOf((byte)7);
        int firstEnd = first + file.AsSpan(first).IndexOfAnyExcept((byte)7);
        int second = firstEnd + file.AsSpan(firstEnd).IndexOf((byte)7);
        int secondEnd = second + file.AsSpan(second).IndexOfAnyExcept((byte)7);
        Assert.That((firstEnd - first) >> 10, Is.EqualTo(32), "KiB of the first write, which crosses the end of what one block counts");
        Assert.That((secondEnd - second) >> 10, Is.EqualTo(32), "KiB of the second, which crosses the next");
        await RequireCleanAsync("counts");
    });

    private static async Task WriteFilledAsync(BlockBackend backend, int offset, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        Array.Fill(bytes, (byte)7);
        await backend.WriteAsync(offset, bytes);
    }

    private Task<BlockBackend> OpenAsync(int refcountOrder = 4)
    {
        _fixture.Faulty.Disk("disk").Storage.Replace(new Qcow2Layout(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 9, RefcountOrder = refcountOrder }.CreateHeaderArea()).ToArray());
        return _fixture.OpenAsync("driver=qcow2,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk", new BackendOptions { CanResize = true });
    }

    // Every second cluster of the guest is written, and its neighbour was.
    private static async Task<byte[]> MakeHolesAsync(BlockBackend backend)
    {
        byte[] expected = new byte[LengthBytes];
        Array.Fill(expected, (byte)7, 0, LengthBytes / 4);
        await backend.WriteAsync(0, expected.AsMemory(0, LengthBytes / 4));
        for (int offset = 0; offset < LengthBytes / 4; offset += 2 * ClusterBytes)
        {
            await backend.DiscardAsync(offset, ClusterBytes);
            expected.AsSpan(offset, ClusterBytes).Clear();
        }

        // What was given up is free after the next flush of the entries.
        await backend.FlushAsync();
        await backend.FlushAsync();
        return expected;
    }

    private async Task RequireCleanAsync(string when)
    {
        await using BlockBackend backend = await _fixture.OpenAsync("driver=qcow2,file.driver=faulty,file.filename=disk,read-only=on", new BackendOptions { ReadOnly = true });
        Assert.That(await backend.CheckAsync(), Has.Property("CorruptionCount").Zero, when);
    }
}
