using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary><c>auto-read-only=on</c>: the descriptor may write only while somebody may.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileAutoReadOnlyTests(string engine) : FileDriverFixture(engine)
{
    private static readonly BackendOptions s_reader = new() { ReadOnly = true };

    private string _path = "";

    [SetUp]
    public void MakeImage()
    {
        if (!Directory.Exists("/proc/self/fdinfo"))
        {
            Assert.Ignore("without /proc nobody can see how a descriptor was opened");
        }

        _path = MakeFile("a.img", Pattern(65_536, seed: 1));
    }

    [Test]
    public void The_descriptor_becomes_writable_with_the_first_writer_and_no_longer_than_the_last() => Run(async () =>
    {
        BlockNode node = await AddNodeAsync($"driver=file,node-name=n,auto-read-only=on,filename={_path}");
        Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "nobody uses it");
        Assert.That(node.IsReadOnly, Is.False, "the node takes writers all the same");
        await using BlockBackend reader = await Graph.AttachBackendAsync(node, s_reader);
        Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "a reader");
        byte[] data = Pattern(512, seed: 2);
        await using (BlockBackend writer = await Graph.AttachBackendAsync(node))
        {
            Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { true }), "a writer");
            await writer.WriteAsync(512, data);
            await writer.FlushAsync();
        }

        Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "the writer has gone");
        byte[] copy = new byte[512];
        await reader.ReadAsync(512, copy);
        Assert.That(copy, Is.EqualTo(data), "the reader reads on, through the new descriptor");
        await reader.DisposeAsync();
        await Graph.RemoveNodeAsync("n");
        AssertNothingIsLeft("at the end", path: _path);
    });

    [Test]
    public void Without_it_the_descriptor_keeps_its_kind() => Run(async () =>
    {
        await AddNodeAsync($"driver=file,node-name=n,filename={_path}");
        Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { true }), "writable from the start");
        await AddNodeAsync($"driver=file,node-name=r,read-only=on,auto-read-only=on,filename={_path}");
        Assert.That(DescriptorsMayWrite(_path), Is.EquivalentTo(new[] { true, false }), "read-only wins over auto-read-only");
        Assert.That((await RefusedAsync(() => Graph.AttachBackendAsync(Graph.FindNode("r")!))).Message, Is.EqualTo("Block node is read-only"), "a writer of it");
    });

    [Test]
    public void Requests_in_flight_end_on_the_descriptor_that_they_began_on()
    {
        GraphFixture world = AddWorld(new SimulationOptions { Seed = 3, JobNsMax = 1_000_000 });
        world.Run(async () =>
        {
            await using BlockBackend reader = await OpenAsync(world.Graph, $"driver=file,node-name=n,auto-read-only=on,filename={_path}", s_reader);
            byte[] copy = new byte[65_536];
            Task[] reads = [.. Enumerable.Range(0, 16).Select(i => reader.ReadAsync(i * 4096, copy.AsMemory(i * 4096, 4096)).AsTask())];
            await using (BlockBackend writer = await world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!))
            {
                Assert.That(reads, Has.Some.Property(nameof(Task.IsCompleted)).False, "reads are in flight across the switch");
                Assert.That(DescriptorsMayWrite(_path), Is.EquivalentTo(new[] { false, true }), "the old descriptor stays for them");
                await writer.WriteAsync(0, new byte[1]);
                await Task.WhenAll(reads);
                Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { true }), "the last of them closes it");
            }

            Assert.That(copy.AsSpan(4096).SequenceEqual(Pattern(65_536, seed: 1).AsSpan(4096)), "what they read");
        });
    }

    [Test]
    public void Requests_go_on_after_the_pooled_transfers_were_dropped_with_their_context() => Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={_path}");
        for (int round = 0; round < 3; round++)
        {
            byte[] data = Pattern(4096, seed: round);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(i => backend.WriteAsync(i * 4096, data.ToArray()).AsTask()));
            byte[] copy = new byte[4096];
            await backend.ReadAsync(7 * 4096, copy);
            Assert.That(copy, Is.EqualTo(data), $"round {round}");
            await using (await backend.DrainAsync())
            {
                backend.Root!.Instance.DetachContext();
                backend.Root!.Instance.AttachContext(World.Context);
            }
        }
    });

    [Test]
    public void A_status_query_in_flight_keeps_its_descriptor_too()
    {
        GraphFixture world = AddWorld(new SimulationOptions { Seed = 5, JobNsMax = 1_000_000 });
        world.Run(async () =>
        {
            await using BlockBackend reader = await OpenAsync(world.Graph, $"driver=file,node-name=n,auto-read-only=on,filename={_path}", s_reader);
            Task<BlockStatus> status = reader.GetStatusAsync(0, 4096).AsTask();
            await using BlockBackend writer = await world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!);
            Assert.That(DescriptorsMayWrite(_path), Is.EquivalentTo(new[] { false, true }), "the old descriptor stays for it");
            Assert.That((await status).LengthBytes, Is.EqualTo(4096), "the answer");
            Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { true }), "then it is closed");
        });
    }

    [Test]
    public void A_file_that_will_not_open_for_writing_refuses_the_writer_and_stays_as_it_is()
    {
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        world.Run(async () =>
        {
            await using BlockBackend reader = await OpenAsync(world.Graph, $"driver=file,node-name=n,auto-read-only=on,filename={_path}", s_reader);
            platform.Fault = (call, options) => { if (call == "open" && options.IsWritable) { throw new BlockException(BlockErrorKind.AccessDenied, $"Could not open '{_path}': Permission denied"); } };
            BlockException refusal = await RefusedAsync(() => world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!));
            Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.AccessDenied, $"Could not open '{_path}': Permission denied")), "why");
            Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "the descriptor");
            await reader.ReadAsync(0, new byte[512]);
            platform.Fault = (_, _) => { };
            await (await world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!)).DisposeAsync();
        });
    }

    [Test]
    public void A_file_that_will_not_open_for_reading_again_stays_writable()
    {
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        world.Run(async () =>
        {
            await using BlockBackend reader = await OpenAsync(world.Graph, $"driver=file,node-name=n,auto-read-only=on,filename={_path}", s_reader);
            BlockBackend writer = await world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!);
            platform.Fault = (call, _) => { if (call == "open") { throw FaultyPlatform.Broken(); } };
            await writer.DisposeAsync();
            Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { true }), "losing a writer cannot fail");
            await reader.ReadAsync(0, new byte[512]);
            if (IsLinuxEngine)
            {
                AssertOthersMayWrite();
            }
        });
    }

    [Test]
    public void A_successor_that_wants_larger_blocks_is_refused()
    {
        FaultyPlatform platform = new(Platform) { AlignmentBytes = 512 };
        GraphFixture world = AddWorld(platform: platform);
        world.Run(async () =>
        {
            await using BlockBackend reader = await OpenAsync(world.Graph, $"driver=file,node-name=n,auto-read-only=on,filename={_path}", s_reader);
            platform.AlignmentBytes = 4096;
            BlockException refusal = await RefusedAsync(() => world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!));
            Assert.That(refusal.Message, Is.EqualTo($"Could not reopen '{_path}': it needs requests aligned to 4096 bytes now, and node 'n' aligns them to 512"), "why");
            Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "the old descriptor alone");
            platform.AlignmentBytes = 1;
            await using BlockBackend writer = await world.Graph.AttachBackendAsync(world.Graph.FindNode("n")!);
            await writer.WriteAsync(1, new byte[1]);
        });
    }

    [Test]
    public void A_change_that_another_node_refuses_leaves_descriptor_and_locks()
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine has no byte locks");
        }

        GraphFixture world = AddWorld(drivers: new PairDriver());
        string other = MakeFile("b.img", new byte[4096]);
        using OpenFile holder = Platform.OpenFile(new HostFileOptions(other) { IsWritable = true });
        ImageLocks locks = new(holder);
        locks.Prepare(1, ImageLocks.AllPermissions & ~2);
        locks.Commit();
        world.Run(async () =>
        {
            foreach ((string a, string b) in new[] { (_path, other), (other, _path) })
            {
                await using BlockBackend reader = await OpenAsync(
                    world.Graph, $"driver=pair,node-name=p,auto-read-only=on,a.driver=file,a.filename={a},b.driver=file,b.filename={b}", s_reader);
                BlockException refusal = await RefusedAsync(() => world.Graph.AttachBackendAsync(world.Graph.FindNode("p")!));
                Assert.That(refusal.Message, Is.EqualTo("Failed to get \"write\" lock"), "the other file's holder refuses");
                Assert.That(DescriptorsMayWrite(_path), Is.EqualTo(new[] { false }), "the descriptor of the child that agreed");
                Assert.That(DescriptorsMayWrite(other), Is.EquivalentTo(new[] { true, false }), "the holder's descriptor and the other child's");
                AssertOthersMayWrite();
            }
        });
    }

    // A reader that shares everything is all that is announced.
    private void AssertOthersMayWrite()
    {
        using OpenFile file = Platform.OpenFile(new HostFileOptions(_path) { IsWritable = true });
        Assert.That(() => new ImageLocks(file).Prepare(2, ImageLocks.AllPermissions & ~2), Throws.Nothing, "no lock of a writer is left");
    }
}
