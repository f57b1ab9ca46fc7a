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

/// <summary>The drivers of this library, as a list and for a container.</summary>
public static class BlockDriverServices
{
    /// <summary>Adds every driver of this library.</summary>
    public static IServiceCollection AddBlockDrivers(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        foreach (BlockDriver driver in CreateBlockDrivers())
        {
            services.AddSingleton(driver);
        }

        return services;
    }

    /// <summary>Every driver of this library, for a <see cref="BlockCore.Graph.NodeGraph"/> that is made without a container.</summary>
    public static IReadOnlyList<BlockDriver> CreateBlockDrivers() =>
    [
        new HostFileDriver(),
        new HostDeviceDriver(),
        new NullCoDriver(),
        new NullAioDriver(),
        new RawDriver(),
        new LuksDriver(),
        new Qcow2Driver(),
        new ThrottleFilterDriver(),
        new PreallocateDriver(),
        new BlkdebugDriver(),
        new BlkverifyDriver(),
        new CopyOnReadDriver(),
        new QuorumDriver(),
    ];
}
