namespace BlockGraph.BlockCore.Throttling;

/// <summary>Which of a meter's three limits a key sets.</summary>
public enum ThrottleKeyPart
{
    /// <summary><see cref="ThrottleLimits.Rate"/>.</summary>
    Rate,

    /// <summary><see cref="ThrottleLimits.Burst"/>: the keys ending in <c>-max</c>.</summary>
    Burst,

    /// <summary><see cref="ThrottleLimits.BurstLengthSeconds"/>: the keys ending in <c>-max-length</c>.</summary>
    BurstLength,

    /// <summary><see cref="ThrottleConfig.IopsSizeBytes"/>, which belongs to no meter.</summary>
    IopsSize,
}

/// <summary>One of the nineteen limit keys, as options, objects and QMP spell it. Its value is always an integer without a suffix. <i>QEMU: ThrottleLimits in QAPI.</i></summary>
/// <param name="Index">Its place among the nineteen.</param>
/// <param name="Name">The canonical name, with dashes and without a prefix.</param>
/// <param name="Meter">The meter it belongs to; null for <c>iops-size</c>.</param>
/// <param name="Part">What it sets.</param>
/// <param name="DefaultValue">The value where it is absent.</param>
/// <param name="Help">One line for a person, with the unit.</param>
public sealed record ThrottleKey(int Index, string Name, ThrottleMeter? Meter, ThrottleKeyPart Part, long DefaultValue, string Help);
