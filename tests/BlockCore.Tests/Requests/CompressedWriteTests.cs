using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>The entry for compressed writes, down to a driver that the test plays.</summary>
[TestFixture]
public sealed class CompressedWriteTests : GraphTests
{
    private const int Cluster = 4096;
    private const int Length = (4 * Cluster) + 100;

    [Test]
    public void A_driver_that_does_not_compress_refuses() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=memory,file.filename=disk,file.node-name=disk");
        BlockException refusal = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[Cluster], RequestFlags.WriteCompressed));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Node 'disk' cannot write compressed data")), "ENOTSUP");
        Assert.That(Fixture.Memory.Storage("disk").Log, Is.Empty, "nothing was written");
    });

    // backend -> pass-through -> disk (scripted): through a filter as it is
    [Test]
    public void Whole_clusters_come_one_by_one_and_the_last_may_be_short() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=pass-through,file.");
        byte[] data = new byte[(2 * Cluster) + 100];
        await backend.WriteAsync(2 * Cluster, data, RequestFlags.WriteCompressed);
        Assert.That(_seen, Is.EqualTo(new[]
        {
            (RequestKind.Write, 2L * Cluster, (long)Cluster, RequestFlags.WriteCompressed),
            (RequestKind.Write, 3L * Cluster, (long)Cluster, RequestFlags.WriteCompressed),
            (RequestKind.Write, 4L * Cluster, 100L, RequestFlags.WriteCompressed),
        }), "each by itself");
        _seen.Clear();
        await backend.WriteAsync(0, new byte[Cluster], RequestFlags.WriteCompressed | RequestFlags.Fua);
        Assert.That(_seen.Select(s => s.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "durable, if asked for");
    });

    [TestCase(1, Cluster)]
    [TestCase(0, 100)]
    [TestCase(0, Cluster + 1)]
    [TestCase(4 * Cluster, 99)]
    public void A_part_of_a_cluster_is_refused(int offset, int length) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlockException refusal = await Failure.OfRequestAsync(() => backend.WriteAsync(offset, new byte[length], RequestFlags.WriteCompressed));
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.InvalidArgument), "EINVAL");
        Assert.That(refusal.Message, Is.EqualTo($"A compressed write to node 'disk' must be of whole clusters of 4096 bytes: {offset}+{length} is not"), "why");
        Assert.That(_seen, Is.Empty, "and nothing is read to make it whole");
    });

    private readonly List<(RequestKind Kind, long Offset, long Length, RequestFlags Flags)> _seen = [];

    private async Task<BlockBackend> OpenAsync(string prefix)
    {
        int cut = prefix.LastIndexOf(',') + 1;
        string name = prefix[cut..];
        _seen.Clear();
        await Fixture.AddAsync($"driver=scripted,node-name=disk,size={Length}");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.ClusterBytes = Cluster;
        disk.SupportedWriteFlags = RequestFlags.WriteCompressed;
        disk.Hold();
        disk.Arrived = request => _seen.Add((request.Kind, request.Offset, request.LengthBytes, request.Flags));
        return name.Length == 0
            ? await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode("disk")!)
            : await Fixture.OpenAsync($"{prefix[..cut]}{name.TrimEnd('.')}=disk");
    }
}
