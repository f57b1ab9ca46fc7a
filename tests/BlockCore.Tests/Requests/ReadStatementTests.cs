using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What is said of reads, statement by statement, as far as no other fixture holds it.</summary>
[TestFixture]
public sealed class ReadStatementTests : GraphTests
{
    private const int Length = 1000;

    // backend -> pass-through -> disk; the edge between the two is a driver's way
    [TestCase(990, 10, 0)]
    [TestCase(990, 20, 10)]
    [TestCase(1000, 20, 20)]
    [TestCase(5000, 20, 20)]
    [TestCase(0, 0, 0)]
    [TestCase(7777, 0, 0)]
    public void A_drivers_read_may_cross_the_end_of_its_child_and_what_lies_beyond_reads_as_zeros(int offset, int length, int zeroCount) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        byte[] read = Enumerable.Repeat((byte)99, length).ToArray();
        await backend.Root!.FileChild!.ReadAsync(offset, read, RequestFlags.None, CancellationToken.None);
        Assert.That(read[..(length - zeroCount)], Is.All.EqualTo((byte)7), "what is there");
        Assert.That(read[(length - zeroCount)..], Is.All.Zero, "what is not");
    });

    [TestCase(-1L, 1)]
    [TestCase(BlockLimits.LengthBytesMax, 1)]
    [TestCase(long.MaxValue, 1)]
    [TestCase(long.MinValue, 0)]
    public void A_drivers_read_of_what_no_image_can_have_is_an_error(long offset, int length) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        BlockException error = await Failure.OfRequestAsync(() => backend.Root!.FileChild!.ReadAsync(offset, new byte[length], RequestFlags.None, CancellationToken.None));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "EIO");
    });

    [Test]
    public void The_longest_request_that_comes_to_a_driver_is_the_largest_int_in_whole_sectors() =>
        Assert.That((BlockLimits.RequestBytesMax, BlockLimits.LengthBytesMax), Is.EqualTo((2_147_483_136, long.MaxValue - (1L << 30) + 1)), "2^31 - 512 and 2^63 - 2^30");

    [Test]
    public void Prefetching_without_copying_is_an_ordinary_read() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync();
        byte[] read = new byte[10];
        await backend.ReadAsync(0, read, RequestFlags.Prefetch);
        Assert.That(read, Is.All.EqualTo((byte)7), "the data");
    });

    private async Task<BlockBackend> OpenAsync()
    {
        Fixture.Memory.Storage("disk", Length).Bytes.AsSpan().Fill(7);
        return await Fixture.OpenAsync("driver=pass-through,file.driver=memory,file.filename=disk");
    }
}
