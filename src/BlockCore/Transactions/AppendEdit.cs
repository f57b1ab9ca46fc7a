using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// A node is opened over another, whose users it gets. Its link to the other is there while it is opened, without permissions: those
/// come with the commit, when the users have moved, so that a filter whose needs go together with nobody beside it has its way.
/// </summary>
internal sealed class AppendEdit(OptionsDictionary top, BlockNode under) : GraphEdit
{
    private BlockChild? _link;

    /// <summary>The new node, once it is open.</summary>
    public BlockNode? Top { get; private set; }

    /// <inheritdoc/>
    public override string Description => $"append a new '{top.GetText("driver")}' node over '{under.Name}'";

    internal override async Task PrepareAsync(GraphChange change)
    {
        change.Keep(under);
        OptionsDictionary options = top.Flatten();
        string driverName = options.GetText("driver") ?? throw new BlockException("driver is not specified");
        BlockDriver driver = change.Graph.Drivers.Get(driverName, change.Graph.Profile.SuggestsNearestOption);
        string slot = driver.Category == DriverCategory.Filter ? "file" : "backing";
        if (slot == "backing" && !driver.SupportsBacking)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Driver '{driverName}' is neither a filter nor supports backing files: it cannot be put over node '{under.Name}'");
        }

        if (slot == "backing")
        {
            under.ThrowIfBlocked(BlockOperation.ExternalSnapshot);
        }

        try
        {
            Top = await change.OpenAsync(options, new GivenChild(slot, under));
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not create node: ");
        }

        _link = Top.FindChild(slot);
        Invariant.Check(_link is not null);
    }

    internal override void Apply(GraphDraft draft)
    {
        draft.Settle(_link!);
        try
        {
            ReplaceEdit.Replace(draft, under, Top!, isStrict: false);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not replace node: ");
        }
    }
}
