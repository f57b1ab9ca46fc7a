using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Tests.Requests;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Io;

/// <summary>What a driver may ask of requests, and how layers add up.</summary>
[TestFixture]
public sealed class BlockLimitsTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new LimitedProtocol()]);

    [TestCase(0)]
    [TestCase(-512)]
    [TestCase(500)]
    [TestCase((1 << 30) + 1)]
    public void An_alignment_that_is_no_power_of_two_in_range_is_a_bug(int alignment)
    {
        Assert.That(
            () => new BlockLimits { RequestAlignmentBytes = alignment }.Validate("d"),
            Throws.TypeOf<InvariantViolationException>().With.Message.Contains($"driver 'd' asks for a request alignment of {alignment} bytes"),
            "requests");
    }

    [TestCase(0)]
    [TestCase(3)]
    public void So_is_a_memory_alignment(int alignment) => Assert.That(
        () => new BlockLimits { MemoryAlignmentBytes = alignment }.Validate("d"),
        Throws.TypeOf<InvariantViolationException>().With.Message.Contains("memory alignment"),
        "memory");

    [Test]
    public void A_transfer_shorter_than_a_block_is_a_bug() => Assert.That(
        () => new BlockLimits { RequestAlignmentBytes = 4096, TransferBytesMax = 512 }.Validate("d"),
        Throws.TypeOf<InvariantViolationException>(),
        "no request would fit");

    [Test]
    public void The_largest_alignment_is_accepted() => Assert.That(
        () => new BlockLimits { RequestAlignmentBytes = BlockLimits.RequestAlignmentBytesMax }.Validate("d"), Throws.Nothing, "1 GiB");

    [Test]
    public void A_layer_takes_the_coarser_alignment_and_the_shorter_transfer_of_its_storage() => Fixture.Run(async () =>
    {
        await Fixture.OpenAsync("driver=pass-through,node-name=over-limited,file.driver=limited");
        await Fixture.OpenAsync("driver=any-role,node-name=over-memory,file.driver=memory,file.filename=disk,file.align=4096,second.driver=limited");
        BlockLimits limited = Fixture.Graph.FindNode("over-limited")!.Limits;
        Assert.That((limited.RequestAlignmentBytes, limited.TransferBytesMax), Is.EqualTo((512, (int?)4096)), "of a filter");
        BlockLimits memory = Fixture.Graph.FindNode("over-memory")!.Limits;
        Assert.That((memory.RequestAlignmentBytes, memory.TransferBytesMax), Is.EqualTo((4096, (int?)null)), "a child of no role does not count");
    });
}
