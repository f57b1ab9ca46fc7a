using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.Conformance;

/// <summary>The kit's format is handed to another process and back: this project's own assemblies may call what a migration calls.</summary>
[TestFixture]
public sealed class CowHandOverTests
{
    private const int Cluster = 4096;

    [Test]
    public void A_deactivated_image_is_whole_in_its_file_and_an_activated_one_is_read_anew([Values("off", "on")] string lazy)
    {
        using GraphFixture here = new();
        using GraphFixture there = new();
        CowImage.Format(here.Memory.Storage("disk"), new CowImageOptions(4 * Cluster));
        here.Run(async () =>
        {
            await using BlockBackend backend = await here.OpenAsync($"driver=cow,lazy-table={lazy},file.driver=memory,file.filename=disk");
            BlockNode node = backend.Root!;
            await backend.WriteAsync(0, Filled(1));
            await node.Instance.DeactivateAsync();

            // The other process: a world of its own over the same bytes.
            there.Memory.Storage("disk").Replace(here.Memory.Storage("disk").Bytes);
            Assert.That(CowHeader.TryParse(there.Memory.Storage("disk").Bytes, out CowHeader header, out _) && !header.IsDirty, Is.True, "it was closed cleanly");
            there.Run(async () =>
            {
                await using BlockBackend other = await there.OpenAsync("driver=cow,file.driver=memory,file.filename=disk");
                Assert.That((await ReadAsync(other))[..Cluster], Is.All.EqualTo((byte)1), "the other process sees what was written");
                await other.WriteAsync(Cluster, Filled(2));
                await other.TruncateAsync(5 * Cluster);
            });
            here.Memory.Storage("disk").Replace(there.Memory.Storage("disk").Bytes);
            node.FileChild!.Node.RefreshLength();
            await node.Instance.ActivateAsync();
            node.RefreshLength();
            Assert.That(backend.LengthBytes, Is.EqualTo(5 * Cluster), "the other process has made it longer");
            Assert.That((await ReadAsync(backend))[Cluster..(2 * Cluster)], Is.All.EqualTo((byte)2), "and is seen in turn");
            await backend.WriteAsync(2 * Cluster, Filled(3));
            Assert.That((await backend.CheckAsync()).IsClean, "new clusters go where there was nothing");
        });
    }

    [Test]
    public void A_hand_over_that_fails_leaves_the_image_active()
    {
        using GraphFixture fixture = new();
        FaultyDisk disk = fixture.Faulty.Disk("disk");
        CowImage.Format(disk.Storage, new CowImageOptions(4 * Cluster));
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await fixture.OpenAsync("driver=cow,lazy-table=on,file.driver=faulty,file.filename=disk");
            await backend.WriteAsync(0, Filled(1));
            disk.FailNth(1, StorageCall.Write);
            await Failure.OfAsync(() => backend.Root!.Instance.DeactivateAsync());
            await backend.WriteAsync(Cluster, Filled(2));
            disk.FailNth(1, StorageCall.Read);
            BlockException refusal = await Failure.OfAsync(() => backend.Root!.Instance.ActivateAsync());
            Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "reading it anew fails as well");
            byte[] all = await ReadAsync(backend);
            Assert.That((all[0], all[Cluster]), Is.EqualTo(((byte)1, (byte)2)), "what is in memory stays");
        });
    }

    private static byte[] Filled(byte value)
    {
        byte[] bytes = new byte[Cluster];
        Array.Fill(bytes, value);
        return bytes;
    }

    private static async Task<byte[]> ReadAsync(BlockBackend backend)
    {
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        return bytes;
    }
}
