using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>One place that configures throttle groups: a column of <c>surfaces.md</c>.</summary>
internal interface IThrottleSurface
{
    /// <summary>The head of its column.</summary>
    string Name { get; }

    /// <summary>True where it changes a group that is there already, and makes none.</summary>
    bool NeedsGroup { get; }

    /// <summary>How errors spell the option that a limit is written in.</summary>
    string NameOf(string key);

    /// <summary>How range rules spell a limit.</summary>
    string RuleNameOf(string key);

    /// <summary>Makes what must be there whatever the row: a device, or a node.</summary>
    Task BeginAsync(SurfaceWorld world) => Task.CompletedTask;

    /// <summary>Makes the group <c>g</c>, with these limits, below <paramref name="parentName"/> if that is not null, in such a way that this place can change it.</summary>
    Task PrepareAsync(SurfaceWorld world, ThrottleConfig inForce, string? parentName = null);

    /// <summary>Writes <paramref name="limits"/>, a tree as JSON has it, for the group <paramref name="group"/>; null names none.</summary>
    Task ApplyAsync(SurfaceWorld world, string? group, OptionValue limits);

    /// <summary>The limits of the group once <paramref name="given"/> was accepted: merged over what it had.</summary>
    ThrottleConfig After(ThrottleConfig inForce, ThrottleLimitsUpdate given) => inForce.Merge(given);
}
