using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.Blkverify;
using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Luks;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Drivers.Protocols.Null;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Drivers;

/// <summary>Registers the drivers of this library.</summary>
public static class BlockDriverServices
{
    /// <summary>Adds every driver of this library.</summary>
    public static IServiceCollection AddBlockDrivers(this IServiceCollection services) => services
        .AddBlockDriver<HostFileDriver>()
        .AddBlockDriver<HostDeviceDriver>()
        .AddBlockDriver<NullCoDriver>()
        .AddBlockDriver<NullAioDriver>()
        .AddBlockDriver<RawDriver>()
        .AddBlockDriver<LuksDriver>()
        .AddBlockDriver<Qcow2Driver>()
        .AddBlockDriver<ThrottleFilterDriver>()
        .AddBlockDriver<PreallocateDriver>()
        .AddBlockDriver<BlkdebugDriver>()
        .AddBlockDriver<BlkverifyDriver>()
        .AddBlockDriver<CopyOnReadDriver>()
        .AddBlockDriver<QuorumDriver>();
}
