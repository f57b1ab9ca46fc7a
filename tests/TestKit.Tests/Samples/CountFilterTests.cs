using BlockGraph.BlockCore.Backend;

namespace BlockGraph.TestKit.Tests.Samples;

/// <summary>What the driver of the documents does beside passing everything on.</summary>
[TestFixture]
public sealed class CountFilterTests
{
    [Test]
    public void Bytes_are_counted_where_they_go_through()
    {
        using GraphFixture fixture = new(drivers: [new CountFilterDriver()]);
        fixture.Run(async () =>
        {
            IReadOnlyList<BlockBackend> backends = await fixture.BuildAsync("""
                blk[consistent-read,write] -> counter
                counter: count -> disk
                disk: memory
                """);
            await backends[0].WriteAsync(0, new byte[1000]);
            await backends[0].WriteZeroesAsync(4096, 4096);
            await backends[0].ReadAsync(10, new byte[300]);
            CountFilter counter = (CountFilter)fixture.Graph.FindNode("counter")!.Instance;
            Assert.That((counter.ReadBytes, counter.WrittenBytes), Is.EqualTo((300L, 5096L)), "bytes read and written");
        });
    }
}
