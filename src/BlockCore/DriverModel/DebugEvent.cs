using System.Collections.ObjectModel;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// A point that a request passes on its way through a layer: where a test may make it wait, or have what follows fail. Formats raise
/// most of them on their file; the core raises those of writing. <i>QEMU: BlkdebugEvent.</i>
/// </summary>
public enum DebugEvent
{
    /// <summary>Nothing happens: a rule of this event holds from the opening on.</summary>
    None,

    /// <summary>An entry of the top table is about to be written.</summary>
    L1Update,

    /// <summary>Space for a longer top table is about to be allocated.</summary>
    L1GrowAllocTable,

    /// <summary>A longer top table is about to be written.</summary>
    L1GrowWriteTable,

    /// <summary>The header is about to point to a longer top table.</summary>
    L1GrowActivateTable,

    /// <summary>A second-level table is about to be read.</summary>
    L2Load,

    /// <summary>A second-level table is about to be written.</summary>
    L2Update,

    /// <summary>A second-level table is about to be written for a compressed cluster.</summary>
    L2UpdateCompressed,

    /// <summary>A second-level table is about to be read so that it can be copied.</summary>
    L2AllocCowRead,

    /// <summary>A new second-level table is about to be written.</summary>
    L2AllocWrite,

    /// <summary>Data is about to be read from the image.</summary>
    ReadAio,

    /// <summary>Data is about to be read from the backing image.</summary>
    ReadBackingAio,

    /// <summary>A compressed cluster is about to be read.</summary>
    ReadCompressed,

    /// <summary>Data is about to be written to the image.</summary>
    WriteAio,

    /// <summary>A compressed cluster is about to be written.</summary>
    WriteCompressed,

    /// <summary>The state of a machine is about to be read.</summary>
    VmstateLoad,

    /// <summary>The state of a machine is about to be written.</summary>
    VmstateSave,

    /// <summary>What a partial write leaves of its cluster is about to be read.</summary>
    CowRead,

    /// <summary>What a partial write leaves of its cluster is about to be written.</summary>
    CowWrite,

    /// <summary>The table of reference blocks is about to be read.</summary>
    ReftableLoad,

    /// <summary>The table of reference blocks is about to grow.</summary>
    ReftableGrow,

    /// <summary>The table of reference blocks is about to be written.</summary>
    ReftableUpdate,

    /// <summary>A reference block is about to be read.</summary>
    RefblockLoad,

    /// <summary>A reference block is about to be written.</summary>
    RefblockUpdate,

    /// <summary>Part of a reference block is about to be written.</summary>
    RefblockUpdatePart,

    /// <summary>A new reference block is about to be allocated.</summary>
    RefblockAlloc,

    /// <summary>The table is about to point to a new reference block.</summary>
    RefblockAllocHookup,

    /// <summary>A new reference block is about to be written.</summary>
    RefblockAllocWrite,

    /// <summary>New reference blocks for a longer table are about to be written.</summary>
    RefblockAllocWriteBlocks,

    /// <summary>A longer table of reference blocks is about to be written.</summary>
    RefblockAllocWriteTable,

    /// <summary>The header is about to point to a longer table of reference blocks.</summary>
    RefblockAllocSwitchTable,

    /// <summary>Clusters are about to be allocated.</summary>
    ClusterAlloc,

    /// <summary>Less than a cluster is about to be allocated.</summary>
    ClusterAllocBytes,

    /// <summary>Clusters are about to be freed.</summary>
    ClusterFree,

    /// <summary>What the format holds in memory is about to be written out.</summary>
    FlushToOs,

    /// <summary>What was written is about to be made durable.</summary>
    FlushToDisk,

    /// <summary>The block that an unaligned write begins in is about to be read.</summary>
    PwritevRmwHead,

    /// <summary>That block was read.</summary>
    PwritevRmwAfterHead,

    /// <summary>The block that an unaligned write ends in is about to be read.</summary>
    PwritevRmwTail,

    /// <summary>That block was read.</summary>
    PwritevRmwAfterTail,

    /// <summary>An aligned write is about to go to the driver.</summary>
    Pwritev,

    /// <summary>An aligned zero write is about to go to the driver.</summary>
    PwritevZero,

    /// <summary>An aligned write, of data or zeros, is over, successful or not.</summary>
    PwritevDone,

    /// <summary>An image is about to be emptied.</summary>
    EmptyImagePrepare,

    /// <summary>A shorter top table is about to be written.</summary>
    L1ShrinkWriteTable,

    /// <summary>What only a longer top table pointed to is about to be freed.</summary>
    L1ShrinkFreeL2Clusters,

    /// <summary>What was read from a backing image is about to be written to the overlay.</summary>
    CorWrite,

    /// <summary>Space for clusters is about to be allocated in the file.</summary>
    ClusterAllocSpace,
}

/// <summary>The names of the events in options and commands.</summary>
public static class DebugEventExtensions
{
    /// <summary>The name of each event, in the order of <see cref="DebugEvent"/>.</summary>
    public static ReadOnlyCollection<string> Names { get; } = new(
    [
        "none", "l1_update", "l1_grow_alloc_table", "l1_grow_write_table", "l1_grow_activate_table", "l2_load", "l2_update", "l2_update_compressed",
        "l2_alloc_cow_read", "l2_alloc_write", "read_aio", "read_backing_aio", "read_compressed", "write_aio", "write_compressed", "vmstate_load",
        "vmstate_save", "cow_read", "cow_write", "reftable_load", "reftable_grow", "reftable_update", "refblock_load", "refblock_update",
        "refblock_update_part", "refblock_alloc", "refblock_alloc_hookup", "refblock_alloc_write", "refblock_alloc_write_blocks",
        "refblock_alloc_write_table", "refblock_alloc_switch_table", "cluster_alloc", "cluster_alloc_bytes", "cluster_free", "flush_to_os",
        "flush_to_disk", "pwritev_rmw_head", "pwritev_rmw_after_head", "pwritev_rmw_tail", "pwritev_rmw_after_tail", "pwritev", "pwritev_zero",
        "pwritev_done", "empty_image_prepare", "l1_shrink_write_table", "l1_shrink_free_l2_clusters", "cor_write", "cluster_alloc_space",
    ]);

    /// <summary>The event called <paramref name="name"/>; null for no event's name.</summary>
    public static DebugEvent? Find(string name)
    {
        int index = Names.IndexOf(name);
        return index < 0 ? null : (DebugEvent)index;
    }

    /// <summary>What <paramref name="debugEvent"/> is called.</summary>
    public static string ToName(this DebugEvent debugEvent) => Names[(int)debugEvent];
}
