using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>Overlays are committed and rebased: what a chain reads as stays, whatever fails in between.</summary>
[TestFixture]
public sealed class ImageChainTests : ImageTests
{
    // cow top -> memory base
    [Test]
    public void A_commit_brings_into_the_base_what_the_overlay_has() => Fixture.Run(async () =>
    {
        byte[] before = await MakeChainAsync();
        await using BlockBackend top = await OpenTargetAsync("top", "cow");
        BlockNode backing = top.Root!.CowChild!.Node;
        await ImageCommit.RunAsync(top, options: new ImageCommitOptions { KeepsTop = true });
        Assert.That(top.Root!.CowChild?.Node, Is.SameAs(backing), "the chain is as it was");
        Assert.That(await ReadAllAsync(top), Is.EqualTo(before), "the overlay reads as before");
        Assert.That(Fixture.Memory.Storage("base").Bytes, Is.EqualTo(before), "and so does the base, which has grown");
        Assert.That(top.Root!.CowChild!.Node.IsReadOnly, Is.True, "which is read-only again");
    });

    [TestCase("other")]
    [TestCase("other", "another")]
    public void A_commit_copies_on_further_contexts_and_everything_is_at_home_afterwards(params string[] contexts) => Fixture.Run(async () =>
    {
        byte[] before = await MakeChainAsync();
        await using BlockBackend top = await OpenTargetAsync("top", "cow");
        AioContext home = top.Context;
        await ImageCommit.RunAsync(top, options: new ImageCommitOptions { MoreContexts = [.. contexts.Select(Fixture.ContextOf)] });
        Assert.That(top.Root!.CowChild!.Node.Context, Is.SameAs(home), "the base's context");
        Assert.That(top.Context, Is.SameAs(home), "the overlay's context");
        Assert.That(await ReadAllAsync(top), Is.EqualTo(before), "the overlay reads as before");
        Assert.That(Fixture.Memory.Storage("base").Bytes, Is.EqualTo(before), "and so does the base");
    });

    // cow top, in clusters of 512 bytes -> memory base, or cow base in clusters of 64 KiB
    [TestCase("memory:base", 512)]
    [TestCase("memory:base", 4096)]
    [TestCase("cow", 512)]
    [TestCase("cow", 4096)]
    public void A_commit_writes_nothing_beside_what_the_overlay_has(string kind, int clusterBytes) => Fixture.Run(async () =>
    {
        const int length = 256 << 10;
        bool isCow = kind == "cow";
        byte[] expected = Pattern(length);
        Put("base", expected);
        if (isCow)
        {
            CowImage.Format(Fixture.Memory.Storage("base"), new CowImageOptions(length) { ClusterBytes = 64 << 10 });
            await using BlockBackend filled = await OpenTargetAsync("base", "cow");
            await filled.WriteAsync(0, expected);
        }

        CowImage.Format(Fixture.Memory.Storage("top"), new CowImageOptions(length) { ClusterBytes = clusterBytes, BackingFileName = "memory:base", BackingFormat = isCow ? "cow" : "raw" });
        await using (BlockBackend top = await OpenTargetAsync("top", "cow"))
        {
            foreach (int offset in new[] { 3 * clusterBytes, 100_000 / clusterBytes * clusterBytes })
            {
                expected.AsSpan(offset, clusterBytes).Fill(255);
                await top.WriteAsync(offset, expected.AsMemory(offset, clusterBytes));
            }

            await ImageCommit.RunAsync(top);
            Assert.That((await ReadAllAsync(top)).AsSpan().CommonPrefixLength(expected), Is.EqualTo(length), "the overlay, which has been emptied, reads as before");
        }

        await using BlockBackend committed = await OpenTargetAsync("base", isCow ? "cow" : "raw");
        Assert.That((await ReadAllAsync(committed)).AsSpan().CommonPrefixLength(expected), Is.EqualTo(length), "the base has what the overlay had, and else what it had");
    });

    [Test]
    public void A_commit_that_fails_at_any_step_leaves_the_chain_reading_as_before() => Fixture.Run(async () =>
    {
        int n = 1;
        for (bool isOver = false; !isOver; n++)
        {
            byte[] before = await MakeChainAsync("faulty:base");
            await using BlockBackend top = await OpenTargetAsync("top", "cow");
            BlockNode backing = top.Root!.CowChild!.Node;
            FaultyDisk disk = Fixture.Faulty.Disk("base");
            disk.FailNth(n, StorageCall.Write, BlockErrorKind.NoSpace);
            try
            {
                await ImageCommit.RunAsync(top, options: new ImageCommitOptions { KeepsTop = true });
                isOver = true;
            }
            catch (BlockException error)
            {
                Assert.That(error.Message, Does.EndWith("No space left on device"), $"failure {n}");
            }

            disk.Heal();
            Assert.That((top.Root!.CowChild?.Node, backing.IsReadOnly), Is.EqualTo((backing, true)), $"failure {n}: the chain is as it was");
            Assert.That(await ReadAllAsync(top), Is.EqualTo(before), $"failure {n}: the overlay reads as before");
        }

        Assert.That(n, Is.GreaterThan(2), "there were failures");
    });

    [Test]
    public void Without_a_backing_node_there_is_nothing_to_commit_to() => Fixture.Run(async () =>
    {
        Put("a", Pattern(Cluster));
        await using BlockBackend top = await OpenTargetAsync("a");
        Assert.That((await Failure.OfAsync(() => ImageCommit.RunAsync(top))).Message, Is.EqualTo("Image does not have a backing file"), "the refusal");
    });

    // cow top -> memory base     other base, of which some is the same
    [TestCase(true)]
    [TestCase(false)]
    public void A_rebase_copies_what_only_the_old_base_has(bool hasNew) => Fixture.Run(async () =>
    {
        byte[] before = await MakeChainAsync();
        byte[] other = [.. before];
        other.AsSpan(2 * Cluster, Cluster).Fill(99);
        Put("other", other[..(6 * Cluster)]);
        await using (BlockBackend top = await OpenTargetAsync("top", "cow"))
        {
            BlockBackend? newBacking = hasNew ? await OpenSourceAsync("other") : null;
            await ImageRebase.CopyDifferenceAsync(top, newBacking);
            Assert.That(await ReadAllAsync(top), Is.EqualTo(before), "as before over the old base");
            await ImageRebase.ChangeHeaderAsync(top, hasNew ? "memory:other" : null, hasNew ? "raw" : null);
            if (newBacking is not null)
            {
                await newBacking.DisposeAsync();
                Assert.That((await top.GetStatusAboveAsync(3 * Cluster, Cluster, top.Root!.CowChild!.Node)).Status.IsAllocated, Is.False, "what is equal was not copied");
            }
        }

        await using BlockBackend again = await OpenTargetAsync("top", "cow");
        Assert.That(again.Root!.CowChild?.Node.ShownFileName, hasNew ? Is.EqualTo("memory:other") : Is.Null, "the new base");
        Assert.That(await ReadAllAsync(again), Is.EqualTo(before), "as before over the new one");
    });

    [Test]
    public void A_format_without_backing_files_has_no_header_to_change() => Fixture.Run(async () =>
    {
        Put("a", Pattern(Cluster));
        await using BlockBackend top = await OpenTargetAsync("a");
        BlockException error = await Failure.OfAsync(() => ImageRebase.ChangeHeaderAsync(top, "b", "raw"));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Operation not supported")), "the refusal");
    });

    [TestCase(0, 0UL)]
    [TestCase(1, 512UL)]
    [TestCase(1 << 20, 1048576UL)]
    [TestCase(long.MaxValue, 9223372036854775808UL)]
    public void A_raw_image_takes_its_length(long lengthBytes, ulong expected) => Fixture.Run(async () =>
        Assert.That(await ImageMeasuring.RunAsync(Fixture.Graph, new RawDriver(), [], lengthBytes), Is.EqualTo(new ImageMeasurement(expected, expected)), "in whole sectors"));

    [Test]
    public void A_driver_that_cannot_measure_says_so() => Fixture.Run(async () =>
        Assert.That(
            (await Failure.OfAsync(() => ImageMeasuring.RunAsync(Fixture.Graph, Fixture.Memory, new OptionsDictionary(), 1))).Message,
            Is.EqualTo("Block driver 'memory' does not support size measurement"),
            "the refusal"));

    // The base has 5 clusters, the overlay 8: two of its own, and a cluster of zeros.
    private async Task<byte[]> MakeChainAsync(string backing = "memory:base")
    {
        Put("base", Pattern(5 * Cluster));
        await PutCowAsync("top", 8, [1, 6], backing);
        await using BlockBackend top = await OpenTargetAsync("top", "cow");
        await top.WriteZeroesAsync(4 * Cluster, Cluster);
        return await ReadAllAsync(top);
    }
}
