using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// Builds the graph that a storm begins with: three disks, each of a shape that the seed chooses, with filters anywhere in them.
/// <code>
///   plain      window      chain                quorum             verify             two overlays of one base
///     |          |           |                  /  |  \            /    \               cow       cow
///  filters   raw+offset     cow -> cow -> base  ..  ..  ..       raw    test            |  \     /  |
///     |          |           |      |                                                 file  base  file
///  storage    storage      file   file
/// </code>
/// There are at least eight nodes, some of them nobody's. Alignments, latencies, contexts and the kinds of storage are the seed's, too.
/// </summary>
internal sealed class StormBuilder(StormWorld world, SeededRandom chance)
{
    /// <summary>The least number of nodes that a storm begins with.</summary>
    public const int NodeCountMin = 8;

    /// <summary>The length of every storage but those of formats, in bytes.</summary>
    public const int StorageBytes = 32 * 1024;

    /// <summary>A throttle group that is there from beginning to end, whoever is in it.</summary>
    public const string GroupObject = "user-group";

    private const int DiskCount = 3;
    private const int OverlayBytesMax = 2 * StorageBytes;
    private readonly List<string> _parts = [];
    private readonly List<string> _storages = [];
    private string _disk = "";
    private int _nodeCount;

    /// <summary>What a base holds before anybody writes.</summary>
    public static byte BaseByte(int offset) => unchecked((byte)((offset * 7) + (offset >> 8) + 1));

    public async Task BuildAsync()
    {
        world.Graph.ThrottleGroups.CreateObject(GroupObject, new ThrottleLimitsUpdate { ["iops-total"] = world.ChooseRate(chance) });
        while (world.Disks.Count < DiskCount)
        {
            await (chance.Next(6) switch
            {
                0 => AddDiskAsync(() => AddFilters("", 1 + chance.Next(3), AddStorage)),
                1 => AddDiskAsync(AddWindow),
                2 => AddDiskAsync(AddChain, BaseByte),
                3 => AddDiskAsync(AddQuorum),
                4 => AddDiskAsync(AddPair),
                _ => AddOverlaysAsync(),
            });
        }

        await AddNodeAsync($"driver=any-role,node-name=holder,file.driver=memory,file.node-name=holder-file,file.filename=holder-file");
        for (int i = 0; i == 0 || world.Graph.Nodes.Count < NodeCountMin; i++)
        {
            await AddNodeAsync($"driver=pass-through,node-name=spare{i},file.driver=memory,file.node-name=spare{i}-file,file.filename=spare{i}");
        }
    }

    /// <summary>The options of a new overlay called <paramref name="name"/>, without what is to be below it; its storage is made and belongs to <paramref name="disk"/>.</summary>
    public static string Overlay(StormWorld world, StormDisk disk, string name, int clusterBytes)
    {
        FormatOverlay(world, $"{name}-file", clusterBytes);
        disk.Storages.Add($"{name}-file");
        return $"driver=cow,node-name={name},discard=unmap,file.driver=faulty,file.node-name={name}-file,file.filename={name}-file";
    }

    private static void FormatOverlay(StormWorld world, string storage, int clusterBytes) =>
        CowImage.Format(world.Memory.Storage(storage), new CowImageOptions(StorageBytes) { ClusterBytes = clusterBytes, LengthBytesMax = OverlayBytesMax });

    private async Task AddNodeAsync(string options) => await world.Graph.AddNodeAsync(GraphFixture.Options(options));

    private async Task AddDiskAsync(Action describe, Func<int, byte>? initialByte = null)
    {
        _disk = $"disk{world.Disks.Count}";
        _parts.Clear();
        _storages.Clear();
        _nodeCount = 0;
        describe();
        _parts.Add("discard=unmap");
        BlockNode node = await world.Graph.AddNodeAsync(GraphFixture.Options(string.Join(',', _parts)));
        StormDisk disk = new(_disk, node, initialByte) { CanResize = chance.OneIn(2), StopsOnErrors = chance.OneIn(2) };
        disk.Storages.AddRange(_storages);
        disk.HasFaults = _parts.Exists(p => p.Contains("inject-error", StringComparison.Ordinal));
        await disk.AttachAsync(world.Graph);
        await disk.Backend.MoveAsync(world.Contexts[chance.Next(world.Contexts.Count)]);
        world.Disks.Add(disk);
    }

    // The base is in the storages of both: a fault of it is a fault of both.
    private async Task AddOverlaysAsync()
    {
        string name = $"base{world.Disks.Count}";
        world.Memory.Storage(name, StorageBytes);
        FillBase(name);
        await AddNodeAsync($"driver=pass-through,node-name={name},read-only=on,file.driver=faulty,file.node-name={name}-file,file.filename={name}");
        for (int i = 0; i < 2 && world.Disks.Count < DiskCount; i++)
        {
            await AddDiskAsync(
                () => AddFilters("", chance.Next(2), prefix =>
                {
                    AddOverlay(prefix);
                    _parts.Add($"{prefix}backing={name}");
                    _storages.Add(name);
                }),
                BaseByte);
        }
    }

    private void AddWindow() => AddFilters("", chance.Next(2), prefix =>
    {
        AddNode(prefix, "raw");
        _parts.Add($"{prefix}offset=512");
        AddFilters($"{prefix}file.", chance.Next(3), AddStorage);
    });

    private void AddChain() => AddFilters("", chance.Next(2), prefix =>
    {
        for (int depth = 1 + chance.Next(3); depth > 0; depth--)
        {
            AddOverlay(prefix);
            AddFilters($"{prefix}backing.", chance.OneIn(3) ? 1 : 0, below => prefix = below, isBacking: true);
        }

        AddStorage(prefix);
        FillBase(_storages[^1]);
    });

    private void AddQuorum() => AddFilters("", chance.Next(2), prefix =>
    {
        int childCount = 2 + chance.Next(2);
        AddNode(prefix, "quorum");
        _parts.Add($"{prefix}vote-threshold=2");
        if (childCount == 3 && chance.OneIn(2))
        {
            _parts.Add($"{prefix}rewrite-corrupted=on");
        }

        for (int i = 0; i < childCount; i++)
        {
            AddFilters($"{prefix}children.{i}.", chance.Next(2), AddStorage);
        }
    });

    // The one is compared with the other: a format with plain storage.
    private void AddPair() => AddFilters("", chance.Next(2), prefix =>
    {
        AddNode(prefix, "blkverify");
        AddStorage($"{prefix}raw.");
        AddFilters($"{prefix}test.", chance.Next(2), chance.OneIn(2) ? AddStorage : AddOverlay);
    });

    // A backing image is read-only: nothing is copied into it.
    private void AddFilters(string prefix, int count, Action<string> below, bool isBacking = false)
    {
        for (; count > 0; count--)
        {
            string driver = chance.Next(isBacking ? 7 : 8) switch { 0 => "pass-through", 1 => "witness", 2 => "switch-filter", 3 => "throttle", 4 => "blkdebug", 5 => "preallocate", 6 => "raw", _ => "copy-on-read" };
            AddNode(prefix, driver);
            if (driver == "throttle")
            {
                _parts.Add(chance.Next(4) switch
                {
                    0 => $"{prefix}throttle-group={GroupObject}",
                    1 => $"{prefix}throttle-parent={GroupObject},{prefix}limits.iops-total={world.ChooseRate(chance)}",
                    _ => $"{prefix}limits.iops-total={world.ChooseRate(chance)}",
                });
            }
            else if (driver == "preallocate")
            {
                _parts.Add($"{prefix}prealloc-size=4k,{prefix}prealloc-align=512");
            }
            else if (driver == "blkdebug" && chance.OneIn(4))
            {
                _parts.Add($"{prefix}inject-error.0.event=none,{prefix}inject-error.0.iotype={(chance.OneIn(2) ? "write" : "read")},{prefix}inject-error.0.once=on");
            }

            prefix += driver == "blkdebug" ? "image." : "file.";
        }

        below(prefix);
    }

    private void AddOverlay(string prefix)
    {
        AddNode(prefix, "cow");
        _parts.Add($"{prefix}lazy-table={(chance.OneIn(3) ? "on" : "off")}");
        AddGrowing($"{prefix}file.");
        FormatOverlay(world, _storages[^1], 512 << chance.Next(4));
    }

    // What a format makes longer may be made longer ahead of it.
    private void AddGrowing(string prefix)
    {
        if (chance.OneIn(3))
        {
            AddNode(prefix, "preallocate");
            _parts.Add($"{prefix}prealloc-size={512 << chance.Next(8)},{prefix}prealloc-align=512");
            prefix += "file.";
        }

        AddStorage(prefix);
    }

    private void AddStorage(string prefix)
    {
        string name = AddNode(prefix, chance.OneIn(2) ? "memory" : "faulty");
        world.Memory.Storage(name, StorageBytes);
        _storages.Add(name);
        string latency = chance.Next(3) switch { 0 => "0", 1 => "2000", _ => "100000" };
        _parts.Add($"{prefix}filename={name},{prefix}align={(chance.OneIn(2) ? "512" : "1")},{prefix}zeroes={(chance.OneIn(2) ? "on" : "off")},{prefix}latency-ns-max={latency},{prefix}copies={(chance.OneIn(4) ? "off" : "on")}");
    }

    private string AddNode(string prefix, string driver)
    {
        string name = _nodeCount == 0 ? _disk : $"{_disk}-{_nodeCount}";
        _nodeCount++;
        _parts.Add($"{prefix}driver={driver},{prefix}node-name={name}");
        return name;
    }

    private void FillBase(string storage)
    {
        byte[] bytes = world.Memory.Storage(storage).Bytes;
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = BaseByte(i);
        }
    }
}
