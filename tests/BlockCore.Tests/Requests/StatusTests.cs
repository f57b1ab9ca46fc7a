using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What a layer's answer becomes on its way to whoever asked, rule by rule; the drivers' answers are the test's.</summary>
[TestFixture]
public sealed class StatusTests : GraphTests
{
    private const int Cluster = 4096;

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    [Test]
    public void At_and_after_the_end_there_is_nothing() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=disk,size=1000");
        foreach (long offset in new[] { 1000L, 1001, BlockLimits.LengthBytesMax - 5 })
        {
            Assert.That(await backend.GetStatusAsync(offset, 5), Is.EqualTo(new BlockStatus(BlockStatusFlags.EndOfFile, 0)), $"at {offset}");
        }

        Assert.That(await backend.GetStatusAsync(500, 0), Is.EqualTo(new BlockStatus(BlockStatusFlags.None, 0)), "nothing is asked of nothing");
        foreach ((long offset, long length) in new[] { (-1L, 1L), (0, -1), (BlockLimits.LengthBytesMax, 1), (long.MaxValue, long.MaxValue) })
        {
            Assert.That((await Failure.OfRequestAsync(async () => await backend.GetStatusAsync(offset, length))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"{offset}+{length} is no range");
        }
    });

    [Test]
    public void A_driver_that_says_nothing_has_data_and_a_protocol_says_where() => Fixture.Run(async () =>
    {
        await using BlockBackend disk = await Fixture.OpenAsync("driver=scripted,size=1000");
        Assert.That(await disk.GetStatusAsync(10, 5000), Is.EqualTo(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid | BlockStatusFlags.EndOfFile, 990, 10)), "to the end");
    });

    [TestCase(BlockStatusFlags.Data, BlockStatusFlags.Data | BlockStatusFlags.Allocated)]
    [TestCase(BlockStatusFlags.Zero, BlockStatusFlags.Zero | BlockStatusFlags.Allocated)]
    [TestCase(BlockStatusFlags.None, BlockStatusFlags.None)]
    public void Data_and_zeros_are_allocated(BlockStatusFlags said, BlockStatusFlags expected) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=scripted,node-name=disk");
        Fixture.Scripted.Node("disk").Status = (_, _, length) => new BlockStatus(said, length);
        Assert.That((await backend.GetStatusAsync(0, 100)).Flags, Is.EqualTo(expected), "what follows");
    });

    // blkdebug-like alignment: limits of 512 come from the memory below
    [Test]
    public void The_driver_is_asked_for_whole_blocks_and_the_answer_is_clamped_to_the_question() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(4 * Cluster) { ClusterBytes = Cluster });
        await using BlockBackend backend = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=disk,file.align=512");
        await backend.WriteAsync(0, new byte[] { 1 });
        BlockStatus status = await backend.GetStatusAsync(700, 100);
        Assert.That(status.LengthBytes, Is.EqualTo(100), "no more than was asked");
        Assert.That(status.HostOffset % 512, Is.EqualTo(700 % 512), "the offset is that of the byte asked for");
        Assert.That((await backend.GetStatusAsync(4000, 200)).LengthBytes, Is.EqualTo(96), "to the end of what is alike");
    });

    [Test]
    public void Where_a_format_points_into_its_file_the_file_may_know_of_zeros() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("image"), new CowImageOptions(4 * Cluster) { ClusterBytes = Cluster });
        byte[] bytes = Fixture.Memory.Storage("image").Bytes;
        await using (BlockBackend first = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=image"))
        {
            await first.WriteAsync(0, Enumerable.Repeat((byte)1, 2 * Cluster).ToArray());
            bytes = Fixture.Memory.Storage("image").Bytes;
        }

        // The same image over a file that the test plays: it holds the header, and answers as it likes.
        await Fixture.AddAsync($"driver=scripted,node-name=file,size={bytes.Length}");
        ScriptedNode file = Fixture.Scripted.Node("file");
        file.Hold();
        file.Arrived = request =>
        {
            if (request.Kind == RequestKind.Read)
            {
                request.Buffer.CopyFrom(bytes.AsSpan((int)request.Offset, (int)request.LengthBytes));
            }
        };
        await using BlockBackend backend = await Fixture.OpenAsync("driver=cow,file=file,read-only=on", new BackendOptions { ReadOnly = true });
        int asked = 0;
        file.Status = (wanted, offset, length) =>
        {
            asked++;
            return new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.OffsetValid, Math.Min(length, 1000), offset);
        };
        BlockStatus status = await backend.GetStatusAsync(0, 2 * Cluster);
        Assert.That((status.Flags, status.LengthBytes), Is.EqualTo((BlockStatusFlags.Data | BlockStatusFlags.Zero | BlockStatusFlags.OffsetValid | BlockStatusFlags.Allocated, 1000L)), "zeros, for as long as the file says");
        Assert.That((await backend.GetStatusAsync(0, 2 * Cluster, BlockStatusQuery.Allocation)).LengthBytes, Is.EqualTo(2 * Cluster), "who does not ask for zeros gets the long answer");
        Assert.That(asked, Is.EqualTo(1), "and the file is not bothered");
        file.Status = (_, _, _) => throw new BlockException(BlockErrorKind.InputOutput, "cannot tell");
        status = await backend.GetStatusAsync(0, 2 * Cluster);
        Assert.That((status.IsZero, status.LengthBytes), Is.EqualTo((false, 2L * Cluster)), "a file that cannot tell leaves what is known");
    });

    // raw (window of 4096 from 512 on) -> disk: raw points, and its child answers
    [Test]
    public void A_layer_that_adds_nothing_lets_its_child_answer() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=raw,offset=512,size=4096,file.driver=scripted,file.node-name=disk");
        Fixture.Scripted.Node("disk").Status = (_, offset, length) => new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.OffsetValid, Math.Min(length, 1000), offset);
        BlockStatus status = await backend.GetStatusAsync(100, 10_000);
        Assert.That((status.Flags, status.LengthBytes, status.HostOffset), Is.EqualTo((BlockStatusFlags.Zero | BlockStatusFlags.OffsetValid | BlockStatusFlags.Allocated, 1000L, 612L)), "where it lies below");
        Assert.That((status.HostChild as BlockChild)?.Node.Name, Is.EqualTo("disk"), "in which child");
        Assert.That((await backend.GetStatusAsync(3996, 100)).Flags & BlockStatusFlags.EndOfFile, Is.EqualTo(BlockStatusFlags.EndOfFile), "the window's end is the image's");
    });

    // top (cow) => mid (cow) => base (memory); one cluster each at 0, 1 and 2
    [Test]
    public void The_walk_stops_at_the_first_layer_that_has_it_and_the_range_shrinks_on_the_way() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenChainAsync();
        BlockNode mid = Fixture.Graph.FindNode("mid")!;
        BlockNode below = Fixture.Graph.FindNode("base")!;
        Assert.That(await AboveAsync(backend, 0), Is.EqualTo(("top", 1, 1, true)), "the top's own cluster");
        Assert.That(await AboveAsync(backend, Cluster), Is.EqualTo(("mid", 2, 1, true)), "the middle's");
        Assert.That(await AboveAsync(backend, 2 * Cluster), Is.EqualTo(("base", 3, 2, true)), "the rest is the base's");
        Assert.That(await AboveAsync(backend, Cluster, mid), Is.EqualTo(("top", 1, 3, false)), "down to the middle, without it");
        Assert.That(await AboveAsync(backend, Cluster, mid, true), Is.EqualTo(("mid", 2, 1, true)), "with it");
        Assert.That(await AboveAsync(backend, 2 * Cluster, below), Is.EqualTo(("mid", 2, 2, false)), "down to the base, without it");
        Assert.That(await AboveAsync(backend, 2 * Cluster, below, true), Is.EqualTo(("base", 3, 2, true)), "with it");
        Assert.That(await AboveAsync(backend, 0, backend.Root), Is.EqualTo(("top", 0, 4, false)), "above the top there is nothing");
        BlockStatus end = (await backend.GetStatusAboveAsync(2 * Cluster, 9 * Cluster)).Status;
        Assert.That(end.Flags & BlockStatusFlags.EndOfFile, Is.EqualTo(BlockStatusFlags.EndOfFile), "the top ends here");
        Assert.That(((await backend.GetStatusAboveAsync(Cluster, Cluster)).Status.Flags & BlockStatusFlags.EndOfFile), Is.EqualTo(BlockStatusFlags.None), "and not here");
        await using BlockBackend other = await Fixture.OpenAsync("driver=memory,filename=other,node-name=other");
        BlockException refusal = await Failure.OfRequestAsync(async () => await backend.GetStatusAboveAsync(0, 1, other.Root));
        Assert.That(refusal.Message, Is.EqualTo("Node 'other' is not in the chain of 'top'"), "a base that is none");
        Assert.That((await backend.GetStatusAboveAsync(4 * Cluster, 1)).Status, Is.EqualTo(new BlockStatus(BlockStatusFlags.EndOfFile, 0)), "at the end");
    });

    // top (cow, 2 clusters) => base (memory, 4 clusters): the base's end is not the image's
    [Test]
    public void The_end_of_a_lower_layer_is_not_the_images() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("top"), new CowImageOptions(4 * Cluster) { ClusterBytes = Cluster });
        Fixture.Memory.Storage("base", 2 * Cluster);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=top,backing.driver=memory,backing.filename=base");
        BlockStatus status = (await backend.GetStatusAboveAsync(0, 4 * Cluster)).Status;
        Assert.That((status.LengthBytes, status.Flags & BlockStatusFlags.EndOfFile), Is.EqualTo((2L * Cluster, BlockStatusFlags.None)), "the base ends, the top does not");
    });

    private async Task<BlockBackend> OpenChainAsync()
    {
        foreach (string name in new[] { "top", "mid" })
        {
            CowImage.Format(Fixture.Memory.Storage(name), new CowImageOptions(4 * Cluster) { ClusterBytes = Cluster });
        }

        Fixture.Memory.Storage("base", 4 * Cluster);
        await using (BlockBackend mid = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=mid"))
        {
            await mid.WriteAsync(Cluster, new byte[Cluster]);
        }

        BlockBackend backend = await Fixture.OpenAsync(
            "driver=cow,node-name=top,file.driver=memory,file.filename=top,backing.driver=cow,backing.node-name=mid,backing.file.driver=memory,backing.file.filename=mid,"
            + "backing.backing.driver=memory,backing.backing.node-name=base,backing.backing.filename=base");
        await backend.WriteAsync(0, new byte[Cluster]);
        return backend;
    }

    private static async Task<(string Node, int Depth, long Clusters, bool IsAllocated)> AboveAsync(BlockBackend backend, long offset, BlockNode? baseNode = null, bool includesBase = false)
    {
        ChainStatus status = await backend.GetStatusAboveAsync(offset, backend.LengthBytes - offset, baseNode, includesBase);
        return (status.Node.Name, status.Depth, status.Status.LengthBytes / Cluster, status.Status.IsAllocated);
    }
}
