using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>A write of zeros that makes a file longer, below a format whose file looks for zeros.</summary>
[TestFixture]
public sealed class DetectZeroesGrowthTests : GraphTests
{
    // drive -> cow -> [filter ->] disk
    [TestCase("file.driver=pass-through,file.detect-zeroes=on,file.file.driver=memory,file.file.filename=disk,file.file.zeroes=on")]
    [TestCase("file.driver=memory,file.filename=disk,file.zeroes=on,file.detect-zeroes=on")]
    public void Zeros_beyond_the_end_of_a_file_make_it_longer(string file) => Fixture.Run(async () =>
    {
        MemoryStorage storage = Fixture.Memory.Storage("disk");
        CowImage.Format(storage, new CowImageOptions(64 * 1024));
        int before = storage.Bytes.Length;
        await using BlockBackend drive = await Fixture.OpenAsync($"driver=cow,{file}");
        await drive.WriteAsync(8192, new byte[4096]);
        Assert.That(storage.Bytes.Length, Is.GreaterThan(before), "the cluster is there");
        byte[] read = new byte[4096];
        Array.Fill(read, (byte)1);
        await drive.ReadAsync(8192, read);
        Assert.That(read, Is.All.Zero, "and holds what was written");
    });
}
