using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Tests.Cow;

/// <summary>The header as bytes: round trips, and the refusal of each field that is wrong, by its name.</summary>
[TestFixture]
public sealed class CowHeaderTests : CowTests
{
    [Test]
    public void A_header_is_read_as_it_was_written([Values] bool isDirty, [Values(null, "base.img")] string? name, [Values(null, "raw")] string? format)
    {
        CowHeader header = new CowHeader { IsDirty = isDirty, ClusterBytes = 65536, EntryCount = 77, LengthBytes = 5_000_000 }.WithBacking(name, name is null ? null : format);
        byte[] area = new byte[CowHeader.Size];
        header.WriteTo(area);
        header.GetNameBytes().CopyTo(area, header.NameOffset);
        Assert.That(CowHeader.TryParse(area, out CowHeader read, out _), Is.True, "it is a header");
        Assert.That(read, Is.EqualTo(header), "every field");
        Assert.That(header.WithBacking("other", null).NameSlot, Is.Not.EqualTo(header.NameSlot), "new names go to the other slot");
    }

    [TestCase(0, 1, 0u, BlockErrorKind.CorruptImage, "Image is not in cow format")]
    [TestCase(8, 4, 2u, BlockErrorKind.NotSupported, "Unsupported cow version 2")]
    [TestCase(12, 4, 6u, BlockErrorKind.NotSupported, "Unsupported cow flags 0x6")]
    [TestCase(16, 4, 256u, BlockErrorKind.CorruptImage, "Cluster size 256 is no power of two from 512 to 2097152")]
    [TestCase(16, 4, 5000u, BlockErrorKind.CorruptImage, "Cluster size 5000 is no power of two from 512 to 2097152")]
    [TestCase(16, 4, 0x80000000u, BlockErrorKind.CorruptImage, "Cluster size 2147483648 is no power of two from 512 to 2097152")]
    [TestCase(20, 4, 0u, BlockErrorKind.CorruptImage, "Table size 0 is not from 1 to 4194304 entries")]
    [TestCase(20, 4, 0xFFFFFFFFu, BlockErrorKind.CorruptImage, "Table size 4294967295 is not from 1 to 4194304 entries")]
    [TestCase(20, 4, 2u, BlockErrorKind.CorruptImage, "Image length 10000 is not from 0 to 8192, for which the table has entries")]
    [TestCase(24, 4, 0x80000000u, BlockErrorKind.CorruptImage, "Image length -9223372036854765808 is not from 0 to 4194304, for which the table has entries")]
    [TestCase(32, 4, 2u, BlockErrorKind.CorruptImage, "Name slot 2 is neither 0 nor 1")]
    [TestCase(36, 2, 961u, BlockErrorKind.CorruptImage, "Backing file name of 961 bytes is longer than 960")]
    [TestCase(38, 2, 65u, BlockErrorKind.CorruptImage, "Backing format of 65 bytes is longer than 64")]
    [TestCase(511, 1, 1u, BlockErrorKind.CorruptImage, "Reserved bytes of the header are not zero")]
    [TestCase(2048, 1, 0xFFu, BlockErrorKind.CorruptImage, "Backing file name or format is no UTF-8 text")]
    public void A_wrong_field_is_refused_by_name(int offset, int size, uint value, BlockErrorKind kind, string message) => Fixture.Run(async () =>
    {
        byte[] image = CowImage.Format(new CowImageOptions(10_000) { BackingFileName = "memory:base" });
        byte[] field = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(field, value);
        field.AsSpan(4 - size).CopyTo(image.AsSpan(offset));
        Disk.Storage.Replace(image);
        BlockException refusal = await Failure.OfAsync(() => OpenAsync());
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((kind, message)), $"the field at {offset}");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nothing is left");
        Assert.That(Disk.Storage.OpenCount, Is.Zero, "the file is closed");
    });

    [Test]
    public void A_file_that_is_too_short_is_refused() => Fixture.Run(async () =>
    {
        Disk.Storage.Replace(CowImage.Format(4096)[..4000]);
        Assert.That((await Failure.OfAsync(() => OpenAsync())).Message, Is.EqualTo("The file of 4000 bytes is shorter than a cow header"), "the text");
    });

    [TestCase(1000, 1 << 20, "Cluster size 1000 is no power of two from 512 to 2097152")]
    [TestCase(512, 1 << 30, "Image length 1073741824 is not from 0 to 16777216, for which the table has entries")]
    public void An_impossible_image_is_not_made(int clusterBytes, long lengthBytes, string message) =>
        Assert.That(
            Assert.Throws<BlockException>(() => CowImage.Format(new CowImageOptions(lengthBytes) { ClusterBytes = clusterBytes, LengthBytesMax = 16 << 20 }))!.Message,
            Is.EqualTo(message),
            "the text");

    [Test]
    public void Names_that_are_too_long_are_not_written()
    {
        Assert.That(
            Assert.Throws<BlockException>(() => CowImage.Format(new CowImageOptions(1) { BackingFileName = new string('x', 961) }))!.Message,
            Is.EqualTo("Backing file name of 961 bytes is longer than 960"),
            "the name");
        Assert.That(
            Assert.Throws<BlockException>(() => CowImage.Format(new CowImageOptions(1) { BackingFileName = "x", BackingFormat = new string('ä', 33) }))!.Message,
            Is.EqualTo("Backing format of 66 bytes is longer than 64"),
            "the format, in bytes");
    }
}
