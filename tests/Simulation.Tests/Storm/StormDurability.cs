using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// What a flush that succeeds must have made durable: everything that had completed when it was asked for, in every storage that the disk writes through
/// before and after. Below a layer that decides itself which failures of its children matter, nothing is expected; nor of a storage that was at work
/// then: what it has done may be part of a request that is not over.
/// </summary>
internal sealed class StormDurability
{
    private readonly StormWorld _world;
    private readonly StormDisk _disk;
    private readonly Dictionary<FaultyDisk, long> _completed = [];

    /// <summary>A flush of <paramref name="disk"/> is about to be asked for.</summary>
    public StormDurability(StormWorld world, StormDisk disk)
    {
        _world = world;
        _disk = disk;
        foreach ((_, FaultyDisk storage) in Storages().Where(s => s.Node.Tracker.IsEmpty))
        {
            _completed[storage] = storage.CompletedCount;
        }
    }

    /// <summary>The flush has succeeded: what a loss of power could undo all the same, or null.</summary>
    public string? Finding()
    {
        foreach ((_, FaultyDisk storage) in Storages())
        {
            if (_completed.TryGetValue(storage, out long completed) && !storage.IsDurableUpTo(completed))
            {
                return $"disk '{_disk.Name}': a flush has succeeded, and changes that had completed before are not durable";
            }
        }

        return null;
    }

    // On several threads the graph cannot be looked at from here.
    private IEnumerable<(BlockNode Node, FaultyDisk Disk)> Storages() => _world.HasVirtualTime && _disk.Backend.Root is { } root ? Below(root).Distinct() : [];

    private IEnumerable<(BlockNode Node, FaultyDisk Disk)> Below(BlockNode node)
    {
        if (node.IsReadOnly || !node.HasInstance || node.Instance.FlushesChildren)
        {
            return [];
        }

        return node.Driver.Name == _world.Faulty.Name
            ? [(node, _world.Faulty.Disk(node.Options.GetText("filename")!))]
            : node.Children.Where(edge => (edge.Permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0).SelectMany(edge => Below(edge.Node));
    }
}
