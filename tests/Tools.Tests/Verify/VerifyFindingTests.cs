using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using BlockGraph.Tools.Bench;

namespace BlockGraph.Tools.Tests.Verify;

/// <summary>Storage that lies is found out, and what is said of it names the block and both stamps.</summary>
[TestFixture]
public sealed class VerifyFindingTests
{
    private const int ImageBytes = 64 * 4096;

    // liar -> memory
    [Test]
    public void A_lie_of_the_storage_is_found([Values] StorageLie lie, [Range(1, 5)] int seed, [Values(1, 3)] int contextCount)
    {
        SeededRandom chance = new((ulong)seed);
        LyingFilterDriver liar = new(lie, oneIn: lie == StorageLie.ForgetsZeroWrites ? 4 : 40, chance);
        BlockException found = Run(liar, seed, contextCount) ?? throw new AssertionException($"seed {seed}: {liar.LieCount} lies were not found");
        Assert.That(liar.LieCount, Is.Positive, "there was something to find");
        Assert.That(found.Message, Does.Match(@"^verify: the block of 4096 bytes at offset \d+ is wrong from byte \d+ on: expected (zeros \()?version \d+ of writer \d+\)?, found "), $"seed {seed}: the words");
    }

    [Test]
    public void Storage_that_tells_the_truth_is_not_accused([Range(1, 5)] int seed, [Values(1, 3)] int contextCount) =>
        Assert.That(Run(new LyingFilterDriver(StorageLie.FlipsBits, int.MaxValue, new SeededRandom((ulong)seed)), seed, contextCount)?.Message, Is.Null, "a finding");

    // faulty, which corrupts reads
    [Test]
    public void A_bit_that_the_disk_gets_wrong_is_found([Range(1, 10)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Faulty.Disk("disk", ImageBytes).CorruptsReadsOneIn = 100;
        BlockException? found = null;
        fixture.Run(async () => found = await VerifyAsync(fixture, "driver=faulty,filename=disk,latency-ns-max=50000", contextCount: 1));
        Assert.That(found?.Message, Does.Contain("with a wrong checksum").Or.Contain("found no stamp").Or.Contain("expected zeros").Or.Contain("found version"), $"seed {seed}: what was found");
    }

    // faulty: a write that fails may have been torn, and its error ends the load.
    [Test]
    public void A_write_that_fails_ends_the_load_with_its_error([Range(1, 5)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        FaultyDisk disk = fixture.Faulty.Disk("disk", ImageBytes);
        disk.TearsWrites = true;
        disk.FailNth(100, StorageCall.Write, BlockErrorKind.NoSpace);
        BlockException? failure = null;
        fixture.Run(async () => failure = await VerifyAsync(fixture, "driver=faulty,filename=disk,latency-ns-max=50000", contextCount: 2));
        Assert.That(failure?.Kind, Is.EqualTo(BlockErrorKind.NoSpace), $"seed {seed}: the error");
    }

    [TestCase("zeros", 0, 0, 0, false)]
    [TestCase("no stamp", 1, 1, 1, true)]
    [TestCase("version 6 of writer 2 for offset 8192", 8192, 6, 2, false)]
    [TestCase("version 7 of writer 3 for offset 4096", 4096, 7, 3, false)]
    public void What_is_found_is_told(string found, long offset, long version, int writer, bool isForeign)
    {
        byte[] actual = new byte[512];
        if (isForeign)
        {
            Array.Fill(actual, (byte)0x55);
        }
        else if (version > 0)
        {
            new VerifyStamp(offset, version, writer, IsZero: false).Fill(actual);
        }

        string text = new VerifyStamp(8192, 7, 3, IsZero: false).Explain(actual);
        Assert.That(text, Does.StartWith("verify: the block of 512 bytes at offset 8192 is wrong from byte ").And.EndWith($"on: expected version 7 of writer 3, found {found}"), "the words");
    }

    [Test]
    public void A_stamp_with_other_bytes_behind_it_has_a_wrong_checksum()
    {
        VerifyStamp stamp = new(0, 1, 0, IsZero: false);
        byte[] block = new byte[512];
        stamp.Fill(block);
        block[300] ^= 4;
        Assert.That(stamp.Explain(block), Is.EqualTo("verify: the block of 512 bytes at offset 0 is wrong from byte 300 on: expected version 1 of writer 0, found version 1 of writer 0 for offset 0 with a wrong checksum"));
    }

    private static BlockException? Run(LyingFilterDriver liar, int seed, int contextCount)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [liar]);
        fixture.Memory.Storage("disk", ImageBytes);
        BlockException? found = null;
        fixture.Run(async () => found = await VerifyAsync(fixture, "driver=liar,file.driver=memory,file.filename=disk,file.latency-ns-max=50000", contextCount));
        return found;
    }

    private static async Task<BlockException?> VerifyAsync(GraphFixture fixture, string options, int contextCount)
    {
        await using BlockBackend backend = await fixture.OpenAsync(options);
        List<AioContext> contexts = [fixture.Context];
        while (contexts.Count < contextCount)
        {
            contexts.Add(fixture.World.CreateContext($"io{contexts.Count}"));
            await backend.AddSubmitterAsync(contexts[^1]);
        }

        try
        {
            await new VerifyRun(backend, new BenchLoad { RequestCountMax = 3000, Depth = 8 }, contexts).RunAsync();
            return null;
        }
        catch (BlockException error)
        {
            return error;
        }
    }
}
