using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Children that lost a vote: rewritten, or, of two, told apart.</summary>
[TestFixture]
public sealed class QuorumMendTests : QuorumFixture
{
    [Test]
    public void The_winning_bytes_are_written_over_the_losers_before_the_read_completes() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abcd", 2, "rewrite-corrupted=on", new BackendOptions { ReadOnly = true });
        Storage("b").Bytes[5000] = 1;
        Storage("d").FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        Storage("d").Bytes[5000] = 2;
        byte[] read = Filled(77, 16384);
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.All.Zero, "what was read");
        Assert.That(Events, Is.EqualTo(new[] { "bad d Read 0+32 Input/output error", "bad b Read 0+32" }), "what is told");
        Assert.That(Storage("b").Bytes[5000], Is.Zero, "mended");
        Assert.That(Storage("b").Log[^1], Is.EqualTo(new MemoryRequest(RequestKind.Write, 0, 16384, RequestFlags.WriteUnchanged)), "by a write that changes nothing visible");
        Assert.That(Storage("d").Bytes[5000], Is.EqualTo(2), "a child that could not be read lost nothing");
        Assert.That(Storage("a").Log.Concat(Storage("c").Log).Select(r => r.Kind), Is.All.EqualTo(RequestKind.Read), "the winners are not written");
        ClearEvents();
        MendAll("abcd");
        await backend.ReadAsync(0, new byte[4096]);
        Assert.That(Events, Is.Empty, "all agree now");
    });

    [Test]
    public void A_rewrite_that_fails_is_not_told_and_the_read_succeeds() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2, "rewrite-corrupted=on");
        Storage("b").Bytes[0] = 1;
        Storage("b").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await backend.ReadAsync(0, new byte[512]);
        Assert.That(Events, Is.EqualTo(new[] { "bad b Read 0+1" }), "once, for the vote");
        Assert.That(Storage("b").Bytes[0], Is.EqualTo(1), "as it was");
        MendAll("abc");
    });

    [Test]
    public void Nothing_is_rewritten_where_nobody_won() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 2, "rewrite-corrupted=on");
        Storage("b").Bytes[0] = 1;
        await FailureOf(() => backend.ReadAsync(0, new byte[512]));
        Assert.That((Storage("a").Bytes[0], Storage("b").Bytes[0]), Is.EqualTo((0, 1)), "both as they were");
    });

    [Test]
    public void A_write_waits_for_the_rewrite_of_what_it_overlaps([Range(1, 20)] int seed)
    {
        using GraphFixture world = NewFixture(new SimulationOptions { Seed = seed });
        world.Run(async () =>
        {
            foreach (char name in "abc")
            {
                world.Memory.Storage($"{name}", LengthBytes);
            }

            await using BlockBackend backend = await world.Graph.OpenAsync(Qapi.Options.KeyvalParser.Parse(
                Options("abc", 2, "rewrite-corrupted=on,children.0.latency-ns-max=100000,children.1.latency-ns-max=100000,children.2.latency-ns-max=100000")));
            world.Memory.Storage("b").Bytes.AsSpan().Fill(3);
            Task read = backend.ReadAsync(0, new byte[4096]).AsTask();
            await world.Context.DelayAsync(world.World.Chance.NextLong(150_000));
            await backend.WriteAsync(1000, Filled(9, 1000));
            await read;
        });
        foreach (string name in new[] { "a", "b", "c" })
        {
            Assert.That(world.Memory.Storage(name).Bytes.Skip(1000).Take(1000), Is.All.EqualTo(9), $"seed {seed}: {name} has the new bytes, not the mended old ones");
        }
    }

    [Test]
    public void Of_two_children_a_difference_is_a_failure_that_says_where() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 2, "blkverify=on");
        await backend.ReadAsync(0, new byte[512]);
        Storage("b").Bytes[5000] = 1;
        BlockException failure = await FailureOf(() => backend.ReadAsync(0, new byte[16384]));
        Assert.That(failure.Kind, Is.EqualTo(BlockErrorKind.CorruptImage), "what kind of failure");
        Assert.That(failure.Message, Is.EqualTo("quorum: offset=0 bytes=16384 contents mismatch at offset 5000"), "the text");
        Assert.That(Events, Is.EqualTo(new[] { "q: quorum: offset=0 bytes=16384 contents mismatch at offset 5000" }), "what is told");
        await backend.WriteAsync(4096, Filled(1, 4096));
        await backend.ReadAsync(0, new byte[16384]);
    });

    [Test]
    public void Of_two_children_one_that_fails_is_a_failure_of_the_quorum() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 2, "blkverify=on");
        Storage("b").FailWith(RequestKind.Read, BlockErrorKind.NoSpace);
        Assert.That((await FailureOf(() => backend.ReadAsync(0, new byte[512]))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the child's");
        Assert.That(Events, Is.EqualTo(new[] { "bad b Read 0+1 No space left on device", "failure q 0+1" }), "what is told");
    });
}
