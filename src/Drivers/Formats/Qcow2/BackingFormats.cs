using System.Collections.Frozen;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Formats that an image may name for its backing file: those that there is a driver for here, and those that QEMU 7.2 has one for. <i>QEMU: BlockdevDriver.</i></summary>
internal static class BackingFormats
{
    private static readonly FrozenSet<string> s_elsewhere = FrozenSet.ToFrozenSet(
    [
        "blkdebug", "blklogwrites", "blkreplay", "blkverify", "bochs", "cloop", "compress", "copy-before-write", "copy-on-read", "dmg", "file", "snapshot-access", "ftp", "ftps", "gluster",
        "host_cdrom", "host_device", "http", "https", "iscsi", "luks", "nbd", "nfs", "null-aio", "null-co", "nvme", "parallels", "preallocate", "qcow", "qcow2", "qed", "quorum", "raw", "rbd",
        "replication", "ssh", "throttle", "vdi", "vhdx", "vmdk", "vpc", "vvfat",
    ]);

    /// <summary>Refuses a format that nobody knows; null is none.</summary>
    /// <exception cref="BlockException">It is unknown.</exception>
    public static void Check(NodeGraph graph, string? format)
    {
        if (format is not null && !s_elsewhere.Contains(format) && graph.Drivers.All.All(driver => driver.Name != format))
        {
            throw new BlockException($"Parameter 'backing-fmt' does not accept value '{format}'");
        }
    }
}
