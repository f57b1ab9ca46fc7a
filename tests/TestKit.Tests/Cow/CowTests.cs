using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Tests.Cow;

/// <summary>A graph with the format, in exact time, and what its tests share.</summary>
public abstract class CowTests
{
    protected const int Cluster = 4096;

    protected GraphFixture Fixture { get; private set; } = null!;

    protected FaultyDisk Disk => Fixture.Faulty.Disk("disk");

    [SetUp]
    public void SetUpFixture() => Fixture = new GraphFixture(
        drivers: [new RawDriver(), new HostFileDriver()],
        graphOptions: new NodeGraphOptions { PseudoFileNames = PseudoFileName.Parse, PseudoFileNameWriter = PseudoFileName.Format });

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    /// <summary>Opens the image on the disk called "disk", after making it where <paramref name="image"/> says how.</summary>
    protected async Task<BlockBackend> OpenAsync(CowImageOptions? image = null, string options = "", BackendOptions? backend = null)
    {
        if (image is not null)
        {
            CowImage.Format(Disk.Storage, image);
        }

        return await Fixture.OpenAsync($"driver=cow,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk,file.node-name=file{options}", backend);
    }

    /// <summary>Storage called <paramref name="name"/> full of a pattern.</summary>
    protected byte[] FillMemory(string name, int lengthBytes, byte value)
    {
        MemoryStorage storage = Fixture.Memory.Storage(name, lengthBytes);
        Array.Fill(storage.Bytes, value);
        return storage.Bytes;
    }

    protected static byte[] Filled(int lengthBytes, byte value)
    {
        byte[] bytes = new byte[lengthBytes];
        Array.Fill(bytes, value);
        return bytes;
    }

    protected static async Task<byte[]> ReadAsync(BlockBackend backend, long offset, int lengthBytes)
    {
        byte[] bytes = Filled(lengthBytes, 0xEE);
        await backend.ReadAsync(offset, bytes);
        return bytes;
    }

    protected static Task<byte[]> ReadAllAsync(BlockBackend backend) => ReadAsync(backend, 0, (int)backend.LengthBytes);

    /// <summary>NUnit's own comparison shows the difference, and is slow where there is none.</summary>
    protected static void AssertSame(byte[] actual, byte[] expected, string message)
    {
        if (!actual.AsSpan().SequenceEqual(expected))
        {
            Assert.That(actual, Is.EqualTo(expected), message);
        }
    }

    protected Task ReopenAsync(BlockNode node, string changes) => Fixture.Graph.ApplyAsync(BlockCore.Transactions.GraphEdit.Reopen(node, GraphFixture.Options(changes)));

    protected static OptionsDictionary Json(string text) => CommandOptions.Read(text);
}
