using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What the status of a range says that an overlay has not allocated.</summary>
[TestFixture]
public sealed class UnallocatedStatusTests : GraphTests
{
    // top (cow, 16 KiB) -> backing: memory of some length, or none
    [TestCase(null, 0, BlockStatusFlags.Zero, TestName = "Without_a_backing_node_it_reads_as_zeros")]
    [TestCase(16384, 0, BlockStatusFlags.None, TestName = "Over_a_backing_node_nothing_is_known")]
    [TestCase(8192, 4096, BlockStatusFlags.None, TestName = "A_range_that_begins_over_a_backing_node_is_not_known")]
    [TestCase(8192, 8192, BlockStatusFlags.Zero, TestName = "Beyond_the_backing_node_it_reads_as_zeros")]
    public void Unallocated_is_zero_where_nobody_has_it(int? backingBytes, int offset, BlockStatusFlags expected) => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(16384));
        Fixture.Memory.Storage("base", backingBytes ?? 1);
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=cow,file.driver=memory,file.filename=disk" + (backingBytes is null ? "" : ",backing.driver=memory,backing.filename=base"));
        BlockStatus status = await backend.GetStatusAsync(offset, 16384 - offset);
        Assert.That(status.Flags, Is.EqualTo(expected | BlockStatusFlags.EndOfFile), "allocated nowhere");
        await backend.WriteZeroesAsync(offset, 4096);
        Assert.That((await backend.GetStatusAsync(offset, 4096)).Flags, Is.EqualTo(BlockStatusFlags.Zero | BlockStatusFlags.Allocated), "zeros that were written are");
    });
}
