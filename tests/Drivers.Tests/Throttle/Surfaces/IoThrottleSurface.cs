using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The arguments of <c>block_set_io_throttle</c>, in JSON, for a device that has no limits yet. The rates that a row does not give are 0.</summary>
internal sealed class IoThrottleSurface : IThrottleSurface
{
    public string Name => "io_throttle";

    public bool NeedsGroup => false;

    public string NameOf(string key) => ThrottleKeys.TryFind(key, out ThrottleKey? found) ? DeviceThrottleKeys.NameOf(found) : key;

    public string RuleNameOf(string key) => NameOf(key);

    public Task BeginAsync(SurfaceWorld world) => world.OpenDeviceAsync();

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        OptionsDictionary arguments = new() { { "device", SurfaceWorld.DeviceName } };
        if (group is not null)
        {
            arguments["group"] = group;
        }

        foreach ((string key, OptionValue value) in (OptionsDictionary)limits)
        {
            arguments[NameOf(key)] = value;
        }

        foreach (ThrottleKey rate in ThrottleKeys.All.Where(key => key.Part == ThrottleKeyPart.Rate))
        {
            arguments.SetDefault(DeviceThrottleKeys.NameOf(rate), 0);
        }

        return world.Graph.SetIoThrottleAsync(DeviceThrottleRequest.Read(arguments));
    }

    public ThrottleConfig After(ThrottleConfig inForce, ThrottleLimitsUpdate given) => SurfaceWorld.Replaced(inForce, given);
}
