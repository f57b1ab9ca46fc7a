using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>A place where more than limits can be written.</summary>
internal interface IThrottleSettingSurface : IThrottleSurface
{
    /// <summary>Writes <paramref name="settings"/>, a tree with keys as objects spell them, for the group <paramref name="group"/> or the node in it.</summary>
    Task ApplySettingsAsync(SurfaceWorld world, string group, OptionsDictionary settings);

    /// <summary>Whose share is written there.</summary>
    ThrottleShare ShareIn(SurfaceWorld world) => world.Group.Share;
}
