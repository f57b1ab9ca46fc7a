namespace BlockGraph.BlockCore.Scheduling;

/// <summary>How transfers of a file are carried out. <i>QEMU: BlockdevAioOptions.</i></summary>
public enum HostFileAio
{
    /// <summary>Each by the cheapest way that the system has for it.</summary>
    Auto,

    /// <summary>By blocking calls on worker threads.</summary>
    Threads,

    /// <summary>By Linux native AIO, past the page cache only.</summary>
    Native,

    /// <summary>By io_uring.</summary>
    IoUring,
}
