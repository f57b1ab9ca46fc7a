namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>The places that configure groups: one for each column of <c>surfaces.md</c> that has tests.</summary>
internal static class ThrottleSurfaces
{
    /// <summary>The place called <paramref name="name"/>, for one test; null where there is none yet.</summary>
    public static IThrottleSurface? Find(string name) => name switch
    {
        "node" => new NodeSurface(name, isJson: false),
        "node json" => new NodeSurface(name, isJson: true),
        "object" => new ObjectSurface(name, "limits."),
        "object json" => new ObjectJsonSurface(),
        "object x-" => new ObjectSurface(name, "x-"),
        "set" => new SetLimitsSurface(),
        "library" => new LibrarySurface(),
        "device" => new DeviceSurface(name, isOld: false),
        "device old" => new DeviceSurface(name, isOld: true),
        "io_throttle" => new IoThrottleSurface(),
        "limit" => new LimitSurface(),
        "reopen" => new ReopenSurface(),
        _ => null,
    };
}
