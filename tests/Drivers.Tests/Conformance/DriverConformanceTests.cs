using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit.Conformance;

namespace BlockGraph.Drivers.Tests.Conformance;

/// <summary>A file as it is.</summary>
public sealed class RawConformance : FormatConformance<RawDriver>
{
    // There is nothing that damage could hit.
    protected override int HeaderBytes => 0;

    protected override byte[] MakeImage(long lengthBytes) => new byte[lengthBytes];
}

/// <summary>A window of a file.</summary>
public sealed class RawWindowConformance : FormatConformance<RawDriver>
{
    private const int OffsetBytes = 5 * 4096;

    protected override int HeaderBytes => 0;

    protected override string OptionText => $"offset={OffsetBytes}";

    protected override byte[] MakeImage(long lengthBytes) => new byte[lengthBytes + OffsetBytes];
}

/// <summary>A throttle that has something to do, and hardly ever to wait.</summary>
public sealed class ThrottleConformance : FilterConformance<ThrottleFilterDriver>
{
    protected override string OptionText => "limits.iops-total=1000000000,limits.bps-total=1000000000000";
}

/// <summary>A throttle that makes requests wait.</summary>
public sealed class BusyThrottleConformance : FilterConformance<ThrottleFilterDriver>
{
    protected override string OptionText => "limits.iops-total=20000";

    // A request that waits may allocate.
    protected override bool ClaimsNoAllocation => false;
}

/// <summary>A preallocate below a user who may make the image longer.</summary>
public sealed class PreallocateConformance : FilterConformance<PreallocateDriver>
{
    protected override string OptionText => "prealloc-size=64k,prealloc-align=4k";
}

/// <summary>Storage that keeps nothing.</summary>
public sealed class NullConformance : ProtocolConformance<NullCoDriver>
{
    protected override bool KeepsData => false;

    protected override string MakeStorage(long lengthBytes) => $"size={lengthBytes},read-zeroes=on,latency-ns=20000";
}

/// <summary>Files of the host.</summary>
public sealed class FileConformance : ProtocolConformance<HostFileDriver>
{
    private readonly string _folder = Directory.CreateTempSubdirectory("blockgraph-conformance-").FullName;
    private int _fileCount;

    [OneTimeTearDown]
    public void DeleteFiles() => Directory.Delete(_folder, recursive: true);

    protected override string MakeStorage(long lengthBytes)
    {
        string path = Path.Combine(_folder, $"{_fileCount++}.img");
        using FileStream file = File.Create(path);
        file.SetLength(lengthBytes);
        return $"filename={path}";
    }
}

/// <summary>The filter that copies on read, over storage in which everything is allocated.</summary>
public sealed class CopyOnReadConformance : FilterConformance<CopyOnReadDriver>
{
    // "Block node is read-only": its child must be writable for what it copies.
    protected override bool OpensReadOnly => false;
}
