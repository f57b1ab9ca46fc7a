using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Writing, zeroing and flushing: to all children, of which enough must succeed.</summary>
[TestFixture]
public sealed class QuorumWriteTests : QuorumFixture
{
    [Test]
    public void A_write_reaches_every_child_with_its_flags() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2);
        await backend.WriteAsync(1000, Filled(7, 2000), RequestFlags.WriteUnchanged);
        foreach (char name in "abc")
        {
            Assert.That(Storage(name).Log, Is.EqualTo(new[] { new MemoryRequest(RequestKind.Write, 1000, 2000, RequestFlags.WriteUnchanged) }), $"child {name}: the request");
            Assert.That(Storage(name).Bytes.Skip(1000).Take(2000), Is.All.EqualTo(7), $"child {name}");
        }
    });

    [TestCase(RequestKind.Write, "Write 2+1")]
    [TestCase(RequestKind.WriteZeroes, "Write 2+1")]
    [TestCase(RequestKind.Flush, "Flush 0+0")]
    public void Enough_children_that_succeed_are_enough(RequestKind kind, string told) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenZeroingAsync("abc", 2);
        await backend.WriteAsync(0, Filled(1));
        Storage("b").FailWith(kind, BlockErrorKind.NoSpace);
        await Run(backend, kind);
        Assert.That(Events, Is.EqualTo(new[] { $"bad b {told} No space left on device" }), "who failed");
        Assert.That((Storage("a").Log[1].Kind, Storage("c").Log[1].Kind), Is.EqualTo((kind, kind)), "the others did it");
        MendAll("abc");
    });

    [TestCase(RequestKind.Write, "Write 2+1", true)]
    [TestCase(RequestKind.WriteZeroes, "Write 2+1", true)]
    [TestCase(RequestKind.Flush, "Flush 0+0", false)]
    public void Too_few_are_a_failure(RequestKind kind, string told, bool isFailureTold) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenZeroingAsync("abc", 2);
        if (kind == RequestKind.Flush)
        {
            await backend.WriteAsync(0, Filled(1));
        }

        Storage("b").FailWith(kind, BlockErrorKind.NoSpace);
        Storage("c").FailWith(kind, BlockErrorKind.InputOutput);
        Assert.That((await FailureOf(() => Run(backend, kind))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "of two errors the later");
        string[] bad = [$"bad b {told} No space left on device", $"bad c {told} Input/output error"];
        Assert.That(Events, Is.EquivalentTo(isFailureTold ? [.. bad, "failure q 2+1"] : bad), "what is told");
        if (kind == RequestKind.Flush)
        {
            // The child that did it has something to do again.
            await backend.WriteAsync(0, Filled(1));
        }

        ClearEvents();
        Storage("a").FailWith(kind, BlockErrorKind.NoSpace);
        Assert.That((await FailureOf(() => Run(backend, kind))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the error that most have");
        MendAll("abc");
    });

    [TestCase("fifo")]
    [TestCase("quorum")]
    public void The_read_pattern_does_not_matter_to_writes(string pattern) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2, $"read-pattern={pattern}");
        Storage("a").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await backend.WriteAsync(0, Filled(1));
        Storage("b").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Assert.That((await FailureOf(() => backend.WriteAsync(0, Filled(1)))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "one child is too few");
        MendAll("abc");
    });

    [Test]
    public void Force_unit_access_makes_it_durable_in_every_child() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 1);
        await backend.WriteAsync(0, Filled(1), RequestFlags.Fua);
        foreach (char name in "ab")
        {
            Assert.That(Storage(name).Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), $"child {name}, emulated");
        }
    });

    [Test]
    public void A_discard_stays_above_for_children_would_differ_after_it() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 1, "discard=unmap");
        await backend.DiscardAsync(0, 4096);
        Assert.That((Storage("a").Log.Count, Storage("b").Log.Count), Is.EqualTo((0, 0)), "no child hears of it");
    });

    [Test]
    public void Zeroing_that_must_not_fall_back_is_refused_before_anything_happens() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenZeroingAsync("ab", 1);
        Assert.That((await FailureOf(() => backend.WriteZeroesAsync(0, 512, RequestFlags.NoFallback))).Kind, Is.EqualTo(BlockErrorKind.NotSupported), "refused");
        Assert.That((Storage("a").Log.Count, Storage("b").Log.Count), Is.EqualTo((0, 0)), "nothing was written");
    });

    [Test]
    public void A_write_that_has_begun_goes_to_every_child_whatever_is_cancelled() => Fixture.Run(async () =>
    {
        using CancellationTokenSource source = new();
        await using BlockBackend backend = await OpenAsync("abc", 2);
        Task write = backend.WriteAsync(0, Filled(1), cancel: source.Token).AsTask();
        await source.CancelAsync();
        await write;
        Assert.That("abc".Select(name => Storage(name).Bytes[0]), Is.All.EqualTo(1), "all have it");
    });

    // backend -> magic (a format, which may lengthen its file) -> q -> a, b, c
    [Test]
    public void A_growing_write_makes_the_children_longer_and_one_that_fails_stays_behind() => Fixture.Run(async () =>
    {
        _ = (Storage("a"), Storage("b"), Storage("c"));
        await using BlockBackend backend = await Fixture.OpenAsync("driver=magic,file.driver=quorum,file.node-name=q,file.vote-threshold=2,"
            + string.Join(',', "abc".Select((name, i) => $"file.children.{i}.driver=memory,file.children.{i}.filename={name},file.children.{i}.node-name={name}")));
        BlockCore.Graph.BlockChild edge = backend.Root!.FileChild!;
        Storage("b").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await edge.WriteAsync(LengthBytes, Filled(9), RequestFlags.None, CancellationToken.None);
        Assert.That(edge.LengthBytes, Is.EqualTo(LengthBytes + 512), "as long as enough children are");
        Assert.That(Storage("b").Bytes, Has.Length.EqualTo(LengthBytes), "the one that failed is shorter");
        MendAll("abc");
        ClearEvents();
        byte[] read = new byte[512];
        await edge.ReadAsync(LengthBytes, read, RequestFlags.None, CancellationToken.None);
        Assert.That(read, Is.All.EqualTo(9), "what was written");
        Assert.That(Events, Is.EqualTo(new[] { $"bad b Read {LengthBytes / 512}+1" }), "the shorter one is outvoted there");
    });

    // Two of four have what was written behind the old end; the other two only seem to hold zeros there.
    [TestCase("read-pattern=quorum", new[] { "bad d Read 128+1", "bad a Read 128+1" })]
    [TestCase("read-pattern=fifo", new[] { "bad a Read 128+1 Node 'a' ends at 65536" })]
    public void What_a_shorter_child_does_not_have_is_no_vote(string pattern, string[] events) => Fixture.Run(async () =>
    {
        _ = (Storage("a"), Storage("b"), Storage("c"), Storage("d"));
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=magic,file.driver=quorum,file.node-name=q,file.vote-threshold=2,file.{pattern},"
            + string.Join(',', "abcd".Select((name, i) => $"file.children.{i}.driver=memory,file.children.{i}.filename={name},file.children.{i}.node-name={name}")));
        BlockCore.Graph.BlockChild edge = backend.Root!.FileChild!;
        Storage("a").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Storage("d").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await edge.WriteAsync(LengthBytes, Filled(9), RequestFlags.None, CancellationToken.None);
        MendAll("abcd");
        ClearEvents();
        byte[] read = new byte[512];
        await edge.ReadAsync(LengthBytes, read, RequestFlags.None, CancellationToken.None);
        Assert.That(read, Is.All.EqualTo(9), "what was written");
        Assert.That(Events, Is.EqualTo(events), "what is told");
        await edge.ReadAsync(0, read, RequestFlags.None, CancellationToken.None);
        Assert.That(read, Is.All.Zero, "before the old end all are as good");
    });

    [Test]
    public void Overlapping_writes_never_make_the_children_differ([Range(1, 30)] int seed)
    {
        using GraphFixture world = NewFixture(new SimulationOptions { Seed = seed });
        world.Run(async () =>
        {
            foreach (char name in "abc")
            {
                world.Memory.Storage($"{name}", LengthBytes);
            }

            await using BlockBackend backend = await world.Graph.OpenAsync(Qapi.Options.KeyvalParser.Parse(
                Options("abc", 3, "children.0.latency-ns-max=100000,children.1.latency-ns-max=100000,children.2.latency-ns-max=100000")));
            Task[] requests =
            [
                .. Enumerable.Range(0, 20).Select(i => backend.WriteAsync(world.World.Chance.Next(2000), Filled((byte)i, 1 + world.World.Chance.Next(2000))).AsTask()),
                .. Enumerable.Range(0, 20).Select(_ => backend.ReadAsync(world.World.Chance.Next(2000), new byte[1000]).AsTask()),
                .. Enumerable.Range(0, 5).Select(_ => backend.WriteZeroesAsync(world.World.Chance.Next(2000), 700).AsTask()),
            ];
            await Task.WhenAll(requests);
        });
        byte[] first = world.Memory.Storage("a").Bytes;
        Assert.That(first.Take(4000), Has.Some.Not.Zero, "something was written");
        Assert.That(world.Memory.Storage("b").Bytes.AsSpan().SequenceEqual(first), Is.True, $"seed {seed}: b is as a");
        Assert.That(world.Memory.Storage("c").Bytes.AsSpan().SequenceEqual(first), Is.True, $"seed {seed}: c is as a");
    }

    private Task<BlockBackend> OpenZeroingAsync(string children, int threshold) =>
        OpenAsync(children, threshold, string.Join(',', children.Select((_, i) => $"children.{i}.zeroes=on")));

    private static ValueTask Run(BlockBackend backend, RequestKind kind) => kind switch
    {
        RequestKind.Write => backend.WriteAsync(1024, Filled(1)),
        RequestKind.WriteZeroes => backend.WriteZeroesAsync(1024, 512),
        _ => backend.FlushAsync(),
    };
}
