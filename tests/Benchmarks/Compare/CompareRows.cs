namespace BlockGraph.Benchmarks.Compare;

/// <summary>The table: what is compared with QEMU, and what must come out.</summary>
/// <remarks>
/// What costs more a request gets fewer of them, so that a run of either program is long and no row takes minutes. A row that writes has
/// as many by both: what is left in the page cache is flushed at the end of each run.
/// </remarks>
internal static class CompareRows
{
    private const int StrideBytes = (1 << 20) + (4 << 10);

    /// <summary>The rows, in the order of the table.</summary>
    public static IReadOnlyList<CompareRow> All { get; } =
    [
        new("null-co, depth 1", ImageStore.None, 1, 0.10, 0.05) { Count = 8_000_000, QemuCount = 400_000 },
        new("null-co, depth 64", ImageStore.None, 64, 0.20, 0.12) { Count = 8_000_000, QemuCount = 1_200_000 },
        new("10 idle raw filters over null-co, depth 64", ImageStore.None, 64, 0.15, 0.05) { Count = 8_000_000, QemuCount = 400_000, Options = RawChain(10) },
        new("tmpfs read 4k, sequential, depth 1", ImageStore.Memory, 1, 0.35, 0.2) { Count = 600_000, QemuCount = 100_000 },
        new("tmpfs read 4k, sequential, depth 64", ImageStore.Memory, 64, 0.35, 0.2) { Count = 800_000, QemuCount = 200_000 },
        new("page cache read 4k, sequential, depth 1", ImageStore.Disk, 1, 0.35, 0.2) { Count = 600_000, QemuCount = 100_000 },
        new("page cache read 4k, sequential, depth 64", ImageStore.Disk, 64, 0.35, 0.2) { Count = 800_000, QemuCount = 200_000 },
        new("page cache read 4k, stride 1 MiB + 4 KiB, depth 64", ImageStore.Disk, 64, 0.5, 0.35) { Count = 600_000, QemuCount = 200_000, StepBytes = StrideBytes },
        new("tmpfs read 64k, sequential, depth 16", ImageStore.Memory, 16, 0.7, 0.5) { Count = 100_000, QemuCount = 60_000, SizeBytes = 64 << 10 },
        new("O_DIRECT read 64k, sequential, depth 16", ImageStore.Disk, 16, 0.7, 0.5) { Count = 20_000, QemuCount = 15_000, SizeBytes = 64 << 10, IsDirect = true },
        new("page cache read 64k, sequential, depth 16", ImageStore.Disk, 16, 0.7, 0.5) { Count = 100_000, QemuCount = 60_000, SizeBytes = 64 << 10 },
        new("buffered write 4k, sequential, depth 64", ImageStore.Disk, 64, 0.6, 0.15) { Count = 300_000, QemuCount = 300_000, IsWrite = true },
        new("buffered write 4k, stride 1 MiB + 4 KiB, depth 64", ImageStore.Disk, 64, 0.6, 0.45) { Count = 300_000, QemuCount = 300_000, IsWrite = true, StepBytes = StrideBytes },
        new("O_DIRECT read 4k, depth 1", ImageStore.Disk, 1, 1.0, 0.9) { Count = 50_000, QemuCount = 50_000, IsDirect = true },
        new("O_DIRECT read 4k, depth 64", ImageStore.Disk, 64, 0.6, 0.4) { Count = 200_000, QemuCount = 150_000, IsDirect = true },
        new("O_DIRECT write 4k, depth 1", ImageStore.Disk, 1, 1.0, 0.9) { Count = 50_000, QemuCount = 50_000, IsDirect = true, IsWrite = true },
        new("O_DIRECT write 4k, depth 64", ImageStore.Disk, 64, 0.6, 0.4) { Count = 200_000, QemuCount = 200_000, IsDirect = true, IsWrite = true },
        new("qcow2 on tmpfs read 4k, sequential, depth 64", ImageStore.Memory, 64, 0.5, 0.3) { Count = 800_000, QemuCount = 200_000, Kind = ImageKind.Qcow2 },
        new("qcow2 on tmpfs read 4k, stride 1 MiB + 4 KiB, depth 64", ImageStore.Memory, 64, 0.5, 0.3) { Count = 600_000, QemuCount = 200_000, StepBytes = StrideBytes, Kind = ImageKind.Qcow2 },
        new("qcow2 on tmpfs write 4k, sequential, depth 64", ImageStore.Memory, 64, 0.5, 0.3) { Count = 400_000, QemuCount = 200_000, IsWrite = true, Kind = ImageKind.Qcow2 },
        new("qcow2 on tmpfs write 4k, stride 1 MiB + 4 KiB, depth 64", ImageStore.Memory, 64, 0.5, 0.3) { Count = 400_000, QemuCount = 200_000, IsWrite = true, StepBytes = StrideBytes, Kind = ImageKind.Qcow2 },
        new("qcow2 on tmpfs allocating write 64k, sequential, depth 64", ImageStore.Memory, 64, 0.8, 0.8) { Count = 16_384, QemuCount = 16_384, IsWrite = true, SizeBytes = 64 << 10, Kind = ImageKind.NewQcow2 },
        new("qcow2 overlay on tmpfs read 4k from the backing file, sequential, depth 64", ImageStore.Memory, 64, 0.5, 0.5) { Count = 600_000, QemuCount = 200_000, Kind = ImageKind.Overlay },
    ];

    private static string RawChain(int layers)
    {
        string prefix = string.Concat(Enumerable.Repeat("file.", layers));
        IEnumerable<string> raws = Enumerable.Range(0, layers).Select(i => $"{prefix[..(5 * i)]}driver=raw");
        return $"{string.Join(',', raws)},{prefix}driver=null-co,{prefix}size=1G";
    }
}
