using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.TestKit.Tests.Drawing;

/// <summary>A picture shows what a graph is, and two pictures show what has changed.</summary>
[TestFixture]
public sealed class GraphPictureTests
{
    private const string Example = """
        base: memory(read-only=on)
        disk: memory(align=512) holds cow(size=1M, backing-file=memory:base, backing-fmt=raw)
        top: cow(backing=base) -> disk
        blk[consistent-read,write|share=consistent-read] -> top @io1
        """;

    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture(drivers: [new HostFileDriver()]);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_picture_shows_everything() => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync(Example);
        await using (await DrainScope.BeginAsync(_fixture.Graph.FindNode("top")!))
        {
            Assert.That(_fixture.Picture().ToString(), Is.EqualTo("""
                base: memory(read-only=on, filename=base) @io1 {1048576 bytes, read-only}
                disk: memory(align=512, filename=disk) @io1 {12288 bytes}
                top: cow @io1 {1048576 bytes, header names memory:base in raw, quiesced 1}
                    file[consistent-read,write,resize|share=consistent-read] -> disk {data, metadata, primary}
                    backing[consistent-read|share=consistent-read,write-unchanged] -> base {cow}
                blk[consistent-read,write|share=consistent-read] -> top @io1 {quiesced 1}
                """), "the drawing");
        }
    });

    [Test]
    public void Inline_children_empty_backends_and_frozen_links_are_shown() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync("driver=pass-through,node-name=top,read-only=on,file.driver=memory,file.filename=a b");
        await _fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "cd", ReadOnly = true });
        BlockNode top = backend.Root!;
        await _fixture.Graph.ApplyAsync(GraphEdit.Freeze(top, top.FileChild!.Node));
        Assert.That(_fixture.Picture().ToString(), Is.EqualTo("""
            #block000: memory(filename="a b", read-only=on, discard=unmap) {1048576 bytes, read-only, inherits from top}
            top: pass-through(read-only=on) {1048576 bytes, read-only}
                file[consistent-read|share=all] -> #block000 {filtered, primary, frozen}
            [consistent-read|share=all] -> top
            cd[consistent-read|share=all]
            """), "the drawing");
        await _fixture.Graph.ApplyAsync(GraphEdit.Thaw(top, top.FileChild!.Node));
    });

    [Test]
    public void A_picture_can_be_built_again() => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync(Example);
        GraphPicture first = _fixture.Picture();
        using GraphFixture other = new();
        Array.Copy(_fixture.Memory.Storage("disk").Bytes, other.Memory.Storage("disk", 12288).Bytes, 12288);
        other.Run(async () =>
        {
            await other.BuildAsync(first.ToString());
            Assert.That(other.Picture().DifferenceFrom(first), Is.Empty, "the same graph, in another world");
        });
        await Task.CompletedTask;
    });

    [Test]
    public void Pictures_are_equal_where_nothing_differs() => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync(Example);
        GraphPicture before = _fixture.Picture();
        await Failure.OfAsync(() => _fixture.Graph.AttachBackendAsync(_fixture.Graph.FindNode("top")!));
        GraphPicture after = _fixture.Picture();
        Assert.That(after, Is.EqualTo(before), "a refused backend leaves no trace");
        Assert.That(after.GetHashCode(), Is.EqualTo(before.GetHashCode()), "equal hashes");
        Assert.That(after.DifferenceFrom(before), Is.Empty, "no difference");
        Assert.That(after.Equals(null), Is.False, "nothing is no picture");
    });

    [Test]
    public void A_difference_shows_the_changed_lines_and_whose_they_are() => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync(Example);
        await _fixture.BuildAsync("new: memory");
        GraphPicture before = _fixture.Picture();
        await _fixture.Graph.ApplyAsync(GraphEdit.SetBacking(_fixture.Graph.FindNode("top")!, _fixture.Graph.FindNode("new")));
        string difference = _fixture.Picture().DifferenceFrom(before);
        Assert.That(difference.ReplaceLineEndings("\n").TrimEnd(), Is.EqualTo("""
              base: memory(read-only=on, filename=base) @io1 {1048576 bytes, read-only}
              disk: memory(align=512, filename=disk) @io1 {12288 bytes}
              top: cow @io1 {1048576 bytes, header names memory:base in raw}
            -     backing[consistent-read|share=consistent-read,write-unchanged] -> base {cow}
            - new: memory(filename=new) {1048576 bytes}
            +     backing[consistent-read|share=consistent-read,write-unchanged] -> new {cow}
            + new: memory(filename=new) @io1 {1048576 bytes}
              blk[consistent-read,write|share=consistent-read] -> top @io1
            """), "the edge, and the node that came along");
    });

    // Each of these is a thing that a failed operation must not leave behind.
    private static readonly (string What, Func<GraphFixture, Task> Change)[] s_changes =
    [
        ("a node", f => f.AddAsync("driver=memory,node-name=n,filename=n")),
        ("a backend", f => f.Graph.CreateBackendAsync()),
        ("permissions", f => f.Graph.Backends[0].SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All))),
        ("options", f => f.Graph.ApplyAsync(GraphEdit.Reopen(f.Graph.FindNode("top")!, GraphFixture.Options("lazy-table=on")))),
        ("an option that is spelt out", f => f.Graph.ApplyAsync(GraphEdit.Reopen(f.Graph.FindNode("top")!, GraphFixture.Options("lazy-table=off")))),
        ("read-only", f => f.Graph.ApplyAsync(GraphEdit.Reopen(f.Graph.FindNode("spare")!, GraphFixture.Options("read-only=on")))),
        ("a context", f => f.Graph.ApplyAsync(GraphEdit.Move(f.Graph.FindNode("spare")!, f.ContextOf("elsewhere")))),
        ("a drain", async f => await DrainScope.BeginAsync(f.Graph.FindNode("spare")!)),
        ("a length", f => f.Graph.Backends[0].TruncateAsync(2 << 20)),
        ("a frozen link", f => f.Graph.ApplyAsync(GraphEdit.Freeze(f.Graph.FindNode("top")!, f.Graph.FindNode("base")!))),
        ("a medium", f => f.Graph.Backends[0].RemoveAsync()),
    ];

    [Test]
    public void Whatever_a_user_could_see_makes_pictures_differ([Range(0, 10)] int index) => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync(Example + "\nspare: memory");
        GraphPicture before = _fixture.Picture();
        await s_changes[index].Change(_fixture);
        Assert.That(_fixture.Picture().DifferenceFrom(before), Is.Not.Empty, s_changes[index].What);
        if (s_changes[index].What == "a frozen link")
        {
            await _fixture.Graph.ApplyAsync(GraphEdit.Thaw(_fixture.Graph.FindNode("top")!, _fixture.Graph.FindNode("base")!));
        }
    });

    [Test]
    public void The_locks_of_a_file_are_shown() => _fixture.Run(async () =>
    {
        if (!Directory.Exists("/proc/self/fdinfo"))
        {
            Assert.Ignore("this system does not tell which locks are held");
        }

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, new byte[4096]);
            OptionsDictionary options = new() { { "driver", "file" }, { "node-name", "disk" }, { "filename", path } };
            await using (BlockBackend backend = await _fixture.Graph.OpenAsync(options))
            {
                Assert.That(_fixture.Picture().ToString(), Does.Contain("{4096 bytes, locks 100 101 201 203}"), "a writer that shares no writing");
                await backend.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
                Assert.That(_fixture.Picture().ToString(), Does.Contain("{4096 bytes, locks 100}"), "a reader that shares everything");
            }
        }
        finally
        {
            File.Delete(path);
        }
    });
}
