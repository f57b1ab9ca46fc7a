using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A call of the library that gives a device, which has no limits yet, all nineteen at once.</summary>
internal sealed class LimitSurface : IThrottleSurface
{
    public string Name => "limit";

    public bool NeedsGroup => false;

    public string NameOf(string key) => key;

    public string RuleNameOf(string key) => key;

    public Task BeginAsync(SurfaceWorld world) => world.OpenDeviceAsync();

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null)
    {
        world.MakeImplicit(inForce, parentName);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits) =>
        world.Graph.FindBackend(SurfaceWorld.DeviceName)!.LimitAsync(ThrottleConfig.Unlimited.Merge(LimitsText.Update(limits)), group);

    public ThrottleConfig After(ThrottleConfig inForce, ThrottleLimitsUpdate given) => SurfaceWorld.Replaced(inForce, given);
}
