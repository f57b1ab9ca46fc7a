using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Tests;

/// <summary>One change of a graph that docs/graph.md draws.</summary>
/// <param name="Name">Of the file under docs/pictures.</param>
/// <param name="Title">In words.</param>
/// <param name="Drawing">The graph before: a drawing, or options where children are to be inline ones.</param>
/// <param name="Edits">What is applied to it.</param>
internal sealed record PicturedChange(string Name, string Title, string Drawing, Func<GraphFixture, IReadOnlyList<GraphEdit>> Edits)
{
    private const string Disk = """
        d0[write] -> disk
        disk: raw -> file
        file: memory
        """;

    private const string Filtered = """
        d0[write] -> limit
        limit: throttle(limits.iops-total=100) -> disk
        disk: raw -> file
        file: memory
        """;

    private const string Overlay = """
        d0[write] -> top
        top: cow(backing=base) -> top-file
        top-file: memory holds cow(size=1M)
        base: memory(read-only=on)
        """;

    private const string Three = """
        d0[write] -> top
        top: cow(backing=middle) -> top-file
        top-file: memory holds cow(size=1M)
        middle: cow(backing=base,read-only=on) -> middle-file
        middle-file: memory holds cow(size=1M)
        base: memory(read-only=on)
        """;

    private const string Copies = """
        d0[write] -> disk
        disk: quorum(children.0=left,children.1=right,vote-threshold=2)
        left: memory
        right: memory
        third: memory
        """;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PicturedChange> All { get; } =
    [
        new("append-filter", "A filter is put in", Disk, w => [GraphEdit.Append(GraphFixture.Options("driver=throttle,node-name=limit,limits.iops-total=100"), w.Graph.LookUp("disk"))]),
        new("drop-filter", "A filter is taken out", Filtered, w => [GraphEdit.DropFilter(w.Graph.LookUp("limit"))]),
        new("replace", "A node takes another's place", Disk + "\ncopy: memory", w => [GraphEdit.Replace(w.Graph.LookUp("file"), w.Graph.LookUp("copy"))]),
        new("overlay", "An overlay is put on", """
            d0[write] -> base
            base: raw -> base-file
            base-file: memory
            top: cow -> top-file
            top-file: memory holds cow(size=1M)
            """, w => [GraphEdit.Overlay(w.Graph.LookUp("top"), w.Graph.LookUp("base"))]),
        new("drop-intermediate", "A part of a chain is taken out", Three, w => [GraphEdit.DropIntermediate(w.Graph.LookUp("middle"), w.Graph.LookUp("base"))]),
        new("set-backing", "Another backing node", Overlay + "\nother: memory(read-only=on)", w => [GraphEdit.SetBacking(w.Graph.LookUp("top"), w.Graph.LookUp("other"))]),
        new("add-child", "A child is added to a quorum", Copies, w => [GraphEdit.AddChild(w.Graph.LookUp("disk"), w.Graph.LookUp("third"))]),
        new("remove-child", "A child of a quorum is removed", Copies.Replace("vote-threshold=2", "children.2=third,vote-threshold=2", StringComparison.Ordinal),
            w => [GraphEdit.RemoveChild(w.Graph.LookUp("disk"), "children.1")]),
        new("freeze", "A chain is frozen", Three, w => [GraphEdit.Freeze(w.Graph.LookUp("top"), w.Graph.LookUp("base"))]),
        new("move", "A component moves to another context", Overlay + "\nidle: memory", w => [GraphEdit.Move(w.Graph.LookUp("base"), w.ContextOf("io1"), isForced: true)]),
        new("reopen", "A node is reopened, and what inherits from it with it", "driver=raw,node-name=disk,read-only=on,file.driver=memory,file.node-name=file,file.filename=file",
            w => [GraphEdit.Reopen(w.Graph.LookUp("disk"), GraphFixture.Options("read-only=off"))]),
        new("deactivate", "An image is given out of hand", Disk.Replace("d0[write] -> disk\n", "", StringComparison.Ordinal), w => [GraphEdit.Deactivate(w.Graph.LookUp("disk"))]),
    ];

    /// <summary>The drawn graph before and after, as pictures.</summary>
    public (GraphPicture Before, GraphPicture After) Make()
    {
        (GraphPicture, GraphPicture) pictures = default;
        using GraphFixture fixture = new(drivers: [new ThrottleFilterDriver(), new RawDriver(), new QuorumDriver()]);
        fixture.Run(async () =>
        {
            IReadOnlyList<BlockBackend> backends = [];
            if (Drawing.StartsWith("driver=", StringComparison.Ordinal))
            {
                await fixture.AddAsync(Drawing);
            }
            else
            {
                backends = await fixture.BuildAsync(Drawing);
            }

            GraphPicture before = GraphPicture.Of(fixture.Graph);
            await fixture.Graph.ApplyAsync(Edits(fixture));
            pictures = (before, GraphPicture.Of(fixture.Graph));
            if (Name == "freeze")
            {
                await fixture.Graph.ApplyAsync(GraphEdit.Thaw(fixture.Graph.LookUp("top"), fixture.Graph.LookUp("base")));
            }

            foreach (BlockBackend backend in backends)
            {
                await backend.DisposeAsync();
            }
        });
        return pictures;
    }
}
