using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What is kept of where a leaf has data, and what makes it be forgotten.</summary>
[TestFixture]
public sealed class DataRegionTests
{
    private const int Block = HoleyProtocol.BlockBytes;

    [Test]
    public void A_leaf_is_asked_once_where_its_data_ends() => Run(0, async (fixture, file, backend) =>
    {
        Array.Fill(file.IsData, true, 0, 8);
        for (int block = 0; block < 8; block++)
        {
            Assert.That((await backend.GetStatusAsync(block * Block, 16 * Block)).LengthBytes, Is.EqualTo((8 - block) * Block), $"block {block}");
        }

        Assert.That(file.QueryCount, Is.EqualTo(1), "one question");
        Assert.That((await backend.GetStatusAsync(8 * Block, 16 * Block)).IsZero, "the hole behind it");
        Assert.That((await backend.GetStatusAsync(9 * Block, 16 * Block)).IsZero, "is not kept:");
        Assert.That(file.QueryCount, Is.EqualTo(3), "somebody may write there");
    });

    [TestCase(7, 1, true)]
    [TestCase(0, 1, true)]
    [TestCase(8, 4, false)]
    public void Zero_writes_and_discards_drop_what_they_overlap(int block, int count, bool isDropped) => Run(0, async (fixture, file, backend) =>
    {
        foreach (bool isDiscard in new[] { false, true })
        {
            Array.Fill(file.IsData, true, 0, 8);
            await backend.GetStatusAsync(0, 16 * Block);
            int before = file.QueryCount;
            await (isDiscard ? backend.DiscardAsync(block * Block, count * Block) : backend.WriteZeroesAsync(block * Block, count * Block));
            await backend.GetStatusAsync(4 * Block, Block);
            Assert.That(file.QueryCount - before, Is.EqualTo(isDropped ? 1 : 0), $"after a {(isDiscard ? "discard" : "zero write")}");
        }
    });

    [Test]
    public void Who_does_not_ask_for_zeros_teaches_nothing() => Run(0, async (fixture, file, backend) =>
    {
        Array.Fill(file.IsData, true);
        await backend.GetStatusAsync(0, Block, BlockStatusQuery.Allocation);
        await backend.GetStatusAsync(0, Block);
        Assert.That(file.QueryCount, Is.EqualTo(2), "it may have been told less than there is to know");
    });

    // Writers, zeroers, discarders and askers, from two contexts; whenever all is quiet every hole is seen.
    [Test]
    public void No_hole_is_forgotten_whatever_was_under_way_when_it_was_made([Range(0, 149)] int seed) => Run(seed, async (fixture, file, backend) =>
    {
        AioContext[] contexts = [fixture.Context, fixture.ContextOf("other")];
        for (int round = 0; round < 12; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => contexts[i % 2].RunAsync(() => ActAsync(fixture.World.Chance, backend))));
            for (int block = 0; block < HoleyProtocol.BlockCount; block++)
            {
                Assert.That((await backend.GetStatusAsync(block * Block, Block)).IsZero, Is.EqualTo(!file.IsData[block]), $"seed {seed}, round {round}: block {block}");
            }
        }
    });

    private static async Task ActAsync(SeededRandom chance, BlockBackend backend)
    {
        for (int i = 0; i < 3; i++)
        {
            int block = chance.Next(HoleyProtocol.BlockCount);
            int count = 1 + chance.Next(HoleyProtocol.BlockCount - block);
            switch (chance.Next(5))
            {
                case 0:
                    await backend.WriteAsync(block * Block, new byte[count * Block]);
                    break;
                case 1:
                    await backend.WriteZeroesAsync(block * Block, count * Block, RequestFlags.MayUnmap);
                    break;
                case 2:
                    await backend.DiscardAsync(block * Block, count * Block);
                    break;
                default:
                    await backend.GetStatusAsync(block * Block, count * Block);
                    break;
            }
        }
    }

    private static void Run(int seed, Func<GraphFixture, HoleyProtocol, BlockBackend, Task> body)
    {
        HoleyProtocol file = new(new SeededRandom((ulong)seed));
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [file]);
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await fixture.OpenAsync("driver=holey,discard=unmap");
            await body(fixture, file, backend);
        });
    }
}
