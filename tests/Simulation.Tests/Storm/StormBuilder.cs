using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// Builds the graph that a storm begins with:
/// <code>
///   plain      throttled          windowed             spare (nobody's)
///     |            |                  |
///  filter      throttle           raw + offset
///     |            |                  |
///  memory       raw -> memory    switch-filter -> memory
/// </code>
/// Alignments, latencies and contexts are the seed's.
/// </summary>
internal sealed class StormBuilder(StormWorld world, SeededRandom chance)
{
    private const int DiskBytes = 64 * 1024;

    public async Task BuildAsync()
    {
        await AddAsync("plain", $"driver=pass-through,node-name=plain,discard=unmap,{Memory("file.", "plain-disk")}");
        await AddAsync("throttled", $"driver=throttle,node-name=throttled,discard=unmap,throttle-group=g,limits.iops-total={(chance.OneIn(2) ? 60 : 100_000)},file.driver=raw,file.node-name=throttled-raw,{Memory("file.file.", "throttled-disk")}");
        await AddAsync("windowed", $"driver=raw,node-name=windowed,discard=unmap,offset=512,file.driver=switch-filter,file.node-name=windowed-switch,{Memory("file.file.", "windowed-disk")}");
        await world.Graph.AddNodeAsync(GraphFixture.Options(Memory("", "spare")));
    }

    private async Task AddAsync(string name, string options)
    {
        BlockNode node = await world.Graph.AddNodeAsync(GraphFixture.Options(options));
        BackendOptions backendOptions = new() { Name = $"drive-{name}", ShareWrite = true, AllowsContextChange = true, CanResize = chance.OneIn(2) };
        BlockBackend backend = await world.Graph.AttachBackendAsync(node, backendOptions);
        world.Disks.Add(new StormDisk(name, backend, (int)backend.LengthBytes));
        await backend.MoveAsync(world.Contexts[chance.Next(world.Contexts.Count)]);
    }

    private string Memory(string prefix, string name)
    {
        world.Memory.Storage(name, DiskBytes);
        string align = chance.OneIn(2) ? "512" : "1";
        string latency = chance.Next(3) switch { 0 => "0", 1 => "2000", _ => "100000" };
        return $"{prefix}driver=memory,{prefix}node-name={name},{prefix}filename={name},{prefix}align={align},{prefix}zeroes={(chance.OneIn(2) ? "on" : "off")},{prefix}latency-ns-max={latency}";
    }
}
