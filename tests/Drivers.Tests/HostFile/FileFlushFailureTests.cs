using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>
/// A failed flush of the file, as the users of a graph over it see it: nothing is promised any more, until the file is opened anew.
/// <code>
///   blk -> raw -> f (file)
/// </code>
/// </summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileFlushFailureTests(string engine) : FileDriverFixture(engine)
{
    private FaultyPlatform _platform = null!;
    private bool _isBroken;

    [TestCase(false)]
    [TestCase(true)]
    public void After_a_failed_flush_every_flush_fails_until_the_file_is_opened_again(bool isDurableWrite) => RunBroken(isDirect: false, async (world, backend) =>
    {
        await backend.WriteAsync(0, new byte[] { 1 });
        _isBroken = true;
        BlockException first = await RefusedAsync(async () => await MakeDurableAsync(backend, isDurableWrite));
        Assert.That((first.Kind, first.Message), Is.EqualTo((BlockErrorKind.InputOutput, "Input/output error")), "the failure");
        _isBroken = false;
        for (int i = 0; i < 3; i++)
        {
            Assert.That((await RefusedAsync(async () => await backend.FlushAsync())).Message, Is.EqualTo("Input/output error"), "a flush without anything new");
            await backend.WriteAsync(i, new byte[] { 2 });
            Assert.That((await RefusedAsync(async () => await backend.FlushAsync())).Message, Is.EqualTo("Input/output error"), "a flush after a write that succeeded");
            Assert.That((await RefusedAsync(async () => await backend.WriteAsync(i, new byte[] { 3 }, RequestFlags.Fua))).Message, Is.EqualTo("Input/output error"), "a durable write");
        }

        byte[] read = new byte[3];
        await backend.ReadAsync(0, read);
        Assert.That(read, Has.All.AnyOf((byte)2, (byte)3), "reads go on, and show what was written");
        Assert.That((await RefusedAsync(async () => await backend.DisposeAsync())).Message, Is.EqualTo("Input/output error"), "closing tells of it");
        await RequireHealedAsync(world);
    });

    [Test]
    public void The_node_is_not_reopened_before_the_file_is_closed() => RunBroken(isDirect: false, async (world, backend) =>
    {
        await backend.WriteAsync(0, new byte[] { 1 });
        _isBroken = true;
        await RefusedAsync(async () => await backend.FlushAsync());
        _isBroken = false;
        foreach (string changes in new[] { "aio=threads", "cache.no-flush=on" })
        {
            BlockException refusal = await RefusedAsync(() => world.Graph.ApplyAsync(GraphEdit.Reopen(world.Graph.FindNode("f")!, GraphFixture.Options(changes))));
            Assert.That(refusal.Message, Is.EqualTo("Error flushing drive: Input/output error"), $"a reopen with {changes}: what was written last is not there");
            await RefusedAsync(async () => await backend.FlushAsync());
        }

        await RefusedAsync(async () => await backend.DisposeAsync());
        await RequireHealedAsync(world);
    });

    [Test]
    public void Past_the_page_cache_the_next_flush_may_succeed() => RunBroken(isDirect: true, async (_, backend) =>
    {
        await backend.WriteAsync(0, new byte[] { 1 });
        _isBroken = true;
        await RefusedAsync(async () => await backend.FlushAsync());
        await RefusedAsync(async () => await backend.FlushAsync());
        _isBroken = false;
        await backend.FlushAsync();
        await backend.DisposeAsync();
    });

    private async Task RequireHealedAsync(GraphFixture world)
    {
        await using BlockBackend again = await OpenAsync(world.Graph, $"driver=raw,file.filename={PathOf("a.img")}");
        await again.WriteAsync(0, new byte[] { 2 });
        await again.FlushAsync();
        await again.WriteAsync(0, new byte[] { 4 }, RequestFlags.Fua);
    }

    private static ValueTask MakeDurableAsync(BlockBackend backend, bool isWrite) =>
        isWrite ? backend.WriteAsync(0, new byte[] { 9 }, RequestFlags.Fua) : backend.FlushAsync();

    private void RunBroken(bool isDirect, Func<GraphFixture, BlockBackend, Task> body)
    {
        _platform = new FaultyPlatform(Platform) { ClaimsDirect = isDirect };
        _isBroken = false;
        GraphFixture world = AddWorld(platform: _platform);
        string path = MakeFile("a.img", new byte[4096]);
        world.Run(async () =>
        {
            BlockBackend backend = await OpenAsync(world.Graph, $"driver=raw,file.driver=file,file.node-name=f,file.filename={path}");
            _platform.Fault = Break;
            await body(world, backend);
        });
    }

    private void Break(string call, BlockCore.Scheduling.HostFileOptions options)
    {
        if (call == "flush" && _isBroken)
        {
            throw FaultyPlatform.Broken();
        }
    }
}
