using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Reading: votes, ties, children that fail, one after another, and what is told of it. Order and texts as QEMU 7.2 was observed to have them.</summary>
[TestFixture]
public sealed class QuorumReadTests : QuorumFixture
{
    // What each child holds (a digit) or fails with (a letter: E input/output, S no space); the threshold; what is read; what is told.
    [TestCase("111", 2, '1', new string[0], Description = "all agree")]
    [TestCase("121", 2, '1', new[] { "bad b Read 0+1" })]
    [TestCase("12", 1, '2', new[] { "bad a Read 0+1" }, Description = "of two with as many votes the later wins")]
    [TestCase("1221", 2, '2', new[] { "bad d Read 0+1", "bad a Read 0+1" })]
    [TestCase("1212", 2, '2', new[] { "bad c Read 0+1", "bad a Read 0+1" })]
    [TestCase("1213", 2, '1', new[] { "bad d Read 0+1", "bad b Read 0+1" })]
    [TestCase("1E2", 1, '2', new[] { "bad b Read 0+1 Input/output error", "bad a Read 0+1" })]
    [TestCase("1E1", 2, '1', new[] { "bad b Read 0+1 Input/output error" })]
    [TestCase("1", 1, '1', new string[0], Description = "one child")]
    public void Enough_children_that_agree_are_believed(string children, int threshold, char expected, string[] events) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenWithAsync(children, threshold);
        byte[] read = new byte[512];
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.All.EqualTo((byte)expected), "what was read");
        Assert.That(Events, Is.EqualTo(events), "what is told");
    });

    [TestCase("123", 2, BlockErrorKind.InputOutput, new[] { "failure q 0+1" }, Description = "no two agree")]
    [TestCase("12", 2, BlockErrorKind.InputOutput, new[] { "failure q 0+1" })]
    [TestCase("1ES", 2, BlockErrorKind.NoSpace, new[] { "bad b Read 0+1 Input/output error", "bad c Read 0+1 No space left on device", "failure q 0+1" }, Description = "of two errors the later")]
    [TestCase("SES", 2, BlockErrorKind.NoSpace, new[] { "bad a Read 0+1 No space left on device", "bad b Read 0+1 Input/output error", "bad c Read 0+1 No space left on device", "failure q 0+1" }, Description = "the error that most have")]
    [TestCase("12E", 2, BlockErrorKind.InputOutput, new[] { "bad c Read 0+1 Input/output error", "failure q 0+1" }, Description = "enough could, but they differ")]
    public void Too_few_are_not(string children, int threshold, BlockErrorKind error, string[] events) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenWithAsync(children, threshold);
        byte[] read = Filled(77);
        BlockException failure = await FailureOf(() => backend.ReadAsync(0, read));
        Assert.That((failure.Kind, failure.Message), Is.EqualTo((error, error.ToErrnoText())), "the failure");
        Assert.That(Events, Is.EquivalentTo(events), "what is told; each child as it ends");
        Assert.That(Events[^1], Is.EqualTo(events[^1]), "the failure last");
        Assert.That(read, Is.All.EqualTo(77), "the caller's buffer is untouched");
    });

    [TestCase(4196, 10, "8+1")]
    [TestCase(4000, 1000, "7+3")]
    [TestCase(0, 16384, "0+32")]
    [TestCase(511, 2, "0+2")]
    public void Events_name_the_sectors_that_the_request_touches(long offset, int length, string sectors) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2);
        Storage("b").Bytes.AsSpan().Fill(1);
        await backend.ReadAsync(offset, new byte[length]);
        Assert.That(Events, Is.EqualTo(new[] { $"bad b Read {sectors}" }), "the child that differs");
    });

    [Test]
    public void A_failure_names_the_backend_where_it_has_a_name() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 2, backend: new BackendOptions { Name = "disk0" });
        Storage("b").Bytes[0] = 1;
        await FailureOf(() => backend.ReadAsync(0, new byte[512]));
        Assert.That(Events, Is.EqualTo(new[] { "failure disk0 0+1" }), "the name");
    });

    [Test]
    public void A_scattered_buffer_gets_the_winning_bytes() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2);
        foreach (char name in "ac")
        {
            Enumerable.Range(0, 1000).Select(i => (byte)(i % 251)).ToArray().CopyTo(Storage(name).Bytes, 0);
        }

        byte[] first = new byte[300];
        byte[] second = new byte[700];
        await backend.ReadAsync(0, new IoVector(new IoSegments(first, second)));
        Assert.That(first.Concat(second), Is.EqualTo(Storage("a").Bytes.Take(1000)), "both pieces");
    });

    [Test]
    public void A_long_read_is_voted_on_in_the_pieces_that_the_children_take() => Fixture.Run(async () =>
    {
        // b lies in the first half, c in the second: as one request nobody would have two votes.
        const string limits = "driver=quorum,node-name=q,vote-threshold=2,children.0.driver=memory,children.0.filename=a,"
            + "children.1.driver=memory,children.1.filename=b,children.1.node-name=b,"
            + "children.2.driver=blkdebug,children.2.max-transfer=4096,children.2.node-name=c,children.2.image.driver=memory,children.2.image.filename=c";
        _ = (Storage("a"), Storage("b"), Storage("c"));
        await using BlockBackend backend = await Fixture.OpenAsync(limits);
        Storage("b").Bytes[0] = 1;
        Storage("c").Bytes[5000] = 1;
        byte[] read = Filled(77, 8192);
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.All.Zero, "what was read");
        Assert.That(Events, Is.EqualTo(new[] { "bad b Read 0+8", "bad c Read 8+8" }), "one vote a piece");
    });

    [Test]
    public void In_fifo_the_first_child_that_can_read_is_believed() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenWithAsync("S23", 2, "read-pattern=fifo");
        byte[] read = new byte[512];
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.All.EqualTo((byte)'2'), "the second child");
        Assert.That(Events, Is.EqualTo(new[] { "bad a Read 0+1 No space left on device" }), "what is told");
        Assert.That(Storage("c").Log, Is.Empty, "the third is not asked");
    });

    [Test]
    public void In_fifo_the_last_failure_is_the_reads() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenWithAsync("SSE", 2, "read-pattern=fifo");
        Assert.That((await FailureOf(() => backend.ReadAsync(0, new byte[512]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the third child's");
        Assert.That(Events, Has.Count.EqualTo(3).And.None.StartsWith("failure"), "each child, and no failure of the quorum");
    });

    [Test]
    public void A_cancelled_read_is_cancelled_when_all_children_are_done() => Fixture.Run(async () =>
    {
        using CancellationTokenSource source = new();
        await using BlockBackend backend = await Fixture.OpenAsync("driver=quorum,vote-threshold=1,children.0.driver=scripted,children.1.driver=memory,children.1.filename=m");
        Task read = backend.ReadAsync(0, new byte[512], cancel: source.Token).AsTask();
        await Fixture.Context.YieldAsync();
        Fixture.Scripted.Pending.Single().FailNow(new OperationCanceledException(source.Token));
        await Failure.OfAsync<OperationCanceledException>(() => read);
        Assert.That(Events, Is.Empty, "nobody is blamed");
        Assert.That(backend.InFlightCount, Is.Zero, "nothing is in flight");
    });

    [Test]
    public void A_child_that_throws_at_once_is_one_that_fails() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=quorum,vote-threshold=1,children.0.driver=blkdebug,children.0.node-name=x,children.0.image.driver=memory,children.0.image.filename=m,"
            + "children.0.inject-error.0.event=none,children.0.inject-error.0.immediately=on,children.1.driver=memory,children.1.filename=m");
        await backend.ReadAsync(0, new byte[512]);
        Assert.That(Events, Is.EqualTo(new[] { "bad x Read 0+1 Input/output error" }), "the other child was read all the same");
    });

    [Test]
    public void It_works_where_its_node_is_moved_to() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2, "rewrite-corrupted=on");
        BlockCore.Scheduling.AioContext other = Fixture.World.CreateContext("other");
        for (int i = 0; i < 3; i++)
        {
            await backend.WriteAsync(0, Filled((byte)(i + 1)));
            Storage("b").Bytes[0] = 77;
            byte[] read = new byte[512];
            await backend.ReadAsync(0, read);
            Assert.That(read, Is.All.EqualTo(i + 1), $"round {i}");
            Assert.That(Storage("b").Bytes[0], Is.EqualTo(i + 1), $"round {i}: mended");
            await backend.MoveAsync(i % 2 == 0 ? other : Fixture.Context);
            Assert.That(backend.Root!.Children.Select(c => c.Node.Context), Is.All.SameAs(i % 2 == 0 ? other : Fixture.Context), $"round {i}: all have moved");
        }
    });

    // Each child is filled with its digit's code, or fails.
    private async Task<BlockBackend> OpenWithAsync(string contents, int threshold, string more = "")
    {
        BlockBackend backend = await OpenAsync("abcdef"[..contents.Length], threshold, more);
        for (int i = 0; i < contents.Length; i++)
        {
            MemoryStorage storage = Storage("abcdef"[i]);
            storage.Bytes.AsSpan().Fill((byte)contents[i]);
            storage.FailWith(RequestKind.Read, contents[i] switch { 'E' => BlockErrorKind.InputOutput, 'S' => BlockErrorKind.NoSpace, _ => null });
        }

        return backend;
    }
}
