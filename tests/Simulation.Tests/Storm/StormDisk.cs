using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One image with its user: a backend that changes go on around, and the regions that workers know the bytes of.</summary>
internal sealed class StormDisk(string name, BlockBackend backend, int lengthBytes)
{
    /// <summary>What the disk is called in messages.</summary>
    public string Name => name;

    /// <summary>The user.</summary>
    public BlockBackend Backend => backend;

    /// <summary>The regions, side by side from the start of the image.</summary>
    public List<(int Start, StormModel Model)> Regions { get; } = [];

    /// <summary>The node that the graph keeps, on which the image stands whatever filters come and go.</summary>
    public BlockNode Anchor { get; } = backend.Root!;

    /// <summary>True where nothing above the anchor holds data, so that the anchor alone is the image.</summary>
    public bool CanChangeMedium { get; init; } = true;

    /// <summary>The length of the image when the storm begins.</summary>
    public int LengthBytes => lengthBytes;

    /// <summary>True once a fault may have reached the disk: requests may fail.</summary>
    public volatile bool HasFaults;

    /// <summary>The nodes from the root down the main line: a filter's child, else the file.</summary>
    public IReadOnlyList<BlockNode> Chain
    {
        get
        {
            List<BlockNode> chain = [];
            for (BlockNode? node = backend.Root; node is not null; node = (node.FilteredChild ?? node.CowChild ?? node.PrimaryChild)?.Node)
            {
                chain.Add(node);
            }

            return chain;
        }
    }

    /// <summary>A new region at the end of those that there are.</summary>
    public (int Start, StormModel Model) AddRegion(int regionBytes)
    {
        int start = Regions.Sum(r => r.Model.LengthBytes);
        (int, StormModel) region = (start, new StormModel(regionBytes));
        Regions.Add(region);
        return region;
    }
}
