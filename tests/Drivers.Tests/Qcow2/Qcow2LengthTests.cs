using System.Buffers.Binary;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>What becomes of clusters behind the end of an image that gets shorter, and of those that come back when it gets longer.</summary>
[TestFixture]
public sealed class Qcow2LengthTests : Qcow2ImageTestBase
{
    private const int ClusterBytes = 4096;
    private const int KeptBytes = 16 * ClusterBytes;
    private const int LengthBytes = 256 * ClusterBytes;

    // guest: | kept |        what goes        |      file: | tables | kept | what goes |  or  | tables | what goes | kept |
    [Test]
    public void A_shorter_image_gives_its_space_back([Values] bool isKeptFirst) => Fixture.Run(async () =>
    {
        int fileBytes;
        List<long> durableLengths = [];
        await using (BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 12 }))
        {
            foreach (bool isKept in new[] { isKeptFirst, !isKeptFirst })
            {
                await WriteAsync(backend, isKept ? 0 : KeptBytes, isKept ? KeptBytes : LengthBytes - KeptBytes, 7);
            }

            await backend.FlushAsync();
            fileBytes = Disk.Storage.Bytes.Length;
            Disk.OnCall = call => durableLengths.AddRange(call == StorageCall.Discard ? [BinaryPrimitives.ReadInt64BigEndian(Disk.BytesAfterPowerLoss().AsSpan(24))] : []);
            await backend.TruncateAsync(KeptBytes);
            Disk.OnCall = null;
            Assert.That(durableLengths, Is.Not.Empty.And.All.EqualTo(KeptBytes), "the header says the new length before anything is let go of, and that is as soon as it may be");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        Assert.That(Disk.CountOf(StorageCall.Discard), Is.InRange(1, 2), "clusters side by side are let go of at once");
        Assert.That(Disk.Storage.Bytes.Length, isKeptFirst ? Is.LessThan(fileBytes - (LengthBytes / 2)) : Is.EqualTo(fileBytes), "how long the file is");
        Assert.That(Disk.Storage.Bytes.Count(static value => value == 7), Is.InRange(KeptBytes, KeptBytes + 100), "what is left in it");
        await using BlockBackend again = await OpenAsync();
        Assert.That(await ReadAllAsync(again), Is.All.EqualTo(7), "what the guest has");
    });

    [Test]
    public void What_a_compressed_cluster_had_behind_the_end_does_not_come_back([Values(0, 4, 20)] int keptKiB) => Fixture.Run(async () =>
    {
        const int Cluster = 64 << 10;
        await using (BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = Cluster, HasExtendedL2 = true }))
        {
            byte[] data = new byte[Cluster];
            Array.Fill(data, (byte)7);
            await backend.WriteAsync(0, data, RequestFlags.WriteCompressed);
            await backend.TruncateAsync(keptKiB << 10);
            await backend.TruncateAsync(Cluster);
            byte[] read = await ReadAllAsync(backend);
            Assert.That(read.AsSpan(0, keptKiB << 10).IndexOfAnyExcept((byte)7), Is.EqualTo(-1), "what was kept");
            Assert.That(read.AsSpan(keptKiB << 10).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "what was not");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });
}
