using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A call of the library, with all nineteen limits at once.</summary>
internal sealed class LibrarySurface : IThrottleSurface
{
    public string Name => "library";

    public bool NeedsGroup => true;

    public string NameOf(string key) => key;

    public string RuleNameOf(string key) => key;

    public Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce)
    {
        world.MakeImplicit(inForce);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits)
    {
        world.Group.SetConfig(world.Group.Config.Merge(LimitsText.Update(limits)));
        return Task.CompletedTask;
    }
}
