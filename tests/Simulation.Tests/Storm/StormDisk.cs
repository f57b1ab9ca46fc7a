using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One image with its user: a backend that changes go on around, and the regions that workers know the bytes of.</summary>
internal sealed class StormDisk(string name, BlockNode anchor, Func<int, byte>? initialByte)
{
    private readonly long[] _operationCounts = new long[Enum.GetValues<RequestKind>().Length];
    private readonly long[] _byteCounts = new long[Enum.GetValues<RequestKind>().Length];
    private readonly List<BlockBackend> _backends = [];

    /// <summary>What the disk is called in messages.</summary>
    public string Name => name;

    /// <summary>The user. It may be another after a while.</summary>
    public BlockBackend Backend { get; private set; } = null!;

    /// <summary>The way of a device into <see cref="Backend"/>: failed requests are reported, or kept until the machine goes on.</summary>
    public DeviceRequests Device { get; private set; } = null!;

    /// <summary>True where requests that fail are kept.</summary>
    public bool StopsOnErrors { get; init; }

    /// <summary>The regions, side by side from the start of the image.</summary>
    public List<(int Start, StormModel Model)> Regions { get; } = [];

    /// <summary>The node that the graph keeps, on which the image stands whatever filters come and go. Whoever appends an overlay moves it up.</summary>
    public BlockNode Anchor { get; set; } = anchor;

    /// <summary>One at a time takes the medium out, closes the backend or appends an overlay.</summary>
    public CoMutex Medium { get; } = new();

    /// <summary>The storages of the image, by file name.</summary>
    public List<string> Storages { get; } = [];

    /// <summary>True where the backend asks for the permission to resize.</summary>
    public bool CanResize { get; init; }

    /// <summary>True once a fault may have reached the disk: requests may fail.</summary>
    public volatile bool HasFaults;

    /// <summary>Everything from the root down; empty where there is no medium. Main context.</summary>
    public IReadOnlyList<BlockNode> Nodes => Backend.Root is { } root ? [.. StormReach.Below(root)] : [];

    /// <summary>Puts a new backend over the image.</summary>
    public async Task AttachAsync(NodeGraph graph)
    {
        BlockErrorPolicy policy = StopsOnErrors ? BlockErrorPolicy.Stop : BlockErrorPolicy.Report;
        BackendOptions options = new()
        {
            Name = $"drive-{name}",
            ShareWrite = true,
            AllowsContextChange = true,
            CanResize = CanResize,
            ReadErrorPolicy = policy,
            WriteErrorPolicy = policy,
        };
        Backend = await graph.AttachBackendAsync(Anchor, options);
        Device = new DeviceRequests(Backend);
        _backends.Add(Backend);
    }

    /// <summary>The machine goes on: everything that was kept is made again, at once. What is wrong, or null. Main context.</summary>
    public async Task<string?> ResumeAsync()
    {
        BlockBackend backend = Backend;
        DeviceRequests device = Device;
        await backend.ResumeIoAsync();
        return device.PendingCount == 0 ? null : $"disk '{name}' still keeps {device.PendingCount} requests when the machine goes on";
    }

    /// <summary>A new region at the end of those that there are.</summary>
    public (int Start, StormModel Model) AddRegion(int regionBytes)
    {
        int start = Regions.Sum(r => r.Model.LengthBytes);
        byte[] bytes = new byte[regionBytes];
        for (int i = 0; i < regionBytes && initialByte is not null; i++)
        {
            bytes[i] = initialByte(start + i);
        }

        (int, StormModel) region = (start, new StormModel(bytes));
        Regions.Add(region);
        return region;
    }

    /// <summary>A request was successful. Any thread.</summary>
    public void Count(RequestKind kind, long bytes)
    {
        Interlocked.Increment(ref _operationCounts[(int)kind]);
        Interlocked.Add(ref _byteCounts[(int)kind], bytes);
    }

    /// <summary>What the backends have counted otherwise than those who sent the requests. Nothing is in flight.</summary>
    public IEnumerable<string> AccountingFindings()
    {
        foreach (RequestKind kind in Enum.GetValues<RequestKind>())
        {
            long operations = _backends.Sum(b => b.GetCounters(kind).OperationCount - b.GetCounters(kind).FailedCount);
            long bytes = _backends.Sum(b => b.GetCounters(kind).ByteCount);
            if (operations != _operationCounts[(int)kind] || bytes != _byteCounts[(int)kind])
            {
                yield return $"disk '{name}' counts {operations} requests of {bytes} bytes of kind {kind}; {_operationCounts[(int)kind]} of {_byteCounts[(int)kind]} were successful";
            }
        }
    }
}
