using System.Collections;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The limits that a request names, and only those: what it does not name stays as it is in the group.
/// <i>QEMU: ThrottleLimits with its has_ fields.</i>
/// </summary>
/// <remarks>Values are taken as they come; <see cref="ThrottleConfig.Validate"/> judges the merged whole.</remarks>
public sealed class ThrottleLimitsUpdate : IEnumerable<KeyValuePair<string, long>>
{
    private readonly long?[] _values = new long?[ThrottleKeys.Count];

    /// <summary>How many of the nineteen keys are named.</summary>
    public int Count => _values.Count(value => value is not null);

    /// <summary>True where nothing is named.</summary>
    public bool IsEmpty => Count == 0 && BurstWindowMs is null && IsPaced is null && IsFairByCost is null;

    /// <summary><see cref="ThrottleConfig.BurstWindowMs"/>, or null where it is not named.</summary>
    public int? BurstWindowMs { get; set; }

    /// <summary><see cref="ThrottleConfig.IsPaced"/>, or null where it is not named.</summary>
    public bool? IsPaced { get; set; }

    /// <summary><see cref="ThrottleConfig.IsFairByCost"/>, or null where it is not named.</summary>
    public bool? IsFairByCost { get; set; }

    /// <summary>The value of the key <paramref name="name"/>, or null where it is not named.</summary>
    /// <exception cref="BlockException">There is no such key (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public long? this[string name]
    {
        get => _values[Find(name).Index];
        set => _values[Find(name).Index] = value;
    }

    /// <summary>The value of <paramref name="key"/>, or null where it is not named.</summary>
    public long? this[ThrottleKey key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            return _values[key.Index];
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            _values[key.Index] = value;
        }
    }

    /// <summary>An update that names everything in <paramref name="config"/>, so that merging it replaces all.</summary>
    public static ThrottleLimitsUpdate Replacing(ThrottleConfig config)
    {
        ThrottleLimitsUpdate update = ReplacingLimits(config);
        update.BurstWindowMs = config.BurstWindowMs;
        update.IsPaced = config.IsPaced;
        update.IsFairByCost = config.IsFairByCost;
        return update;
    }

    /// <summary>An update that names the nineteen keys of <paramref name="config"/>, and leaves the rest as it is.</summary>
    internal static ThrottleLimitsUpdate ReplacingLimits(ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ThrottleLimitsUpdate update = new();
        foreach (ThrottleKey key in ThrottleKeys.All)
        {
            update[key] = config[key];
        }

        return update;
    }

    /// <summary>The same, to be changed on its own.</summary>
    internal ThrottleLimitsUpdate Clone()
    {
        ThrottleLimitsUpdate clone = new() { BurstWindowMs = BurstWindowMs, IsPaced = IsPaced, IsFairByCost = IsFairByCost };
        _values.CopyTo(clone._values, 0);
        return clone;
    }

    /// <summary>Names no longer what <paramref name="other"/> names.</summary>
    internal void Forget(ThrottleLimitsUpdate other)
    {
        for (int index = 0; index < _values.Length; index++)
        {
            _values[index] = other._values[index] is null ? _values[index] : null;
        }

        BurstWindowMs = other.BurstWindowMs is null ? BurstWindowMs : null;
        IsPaced = other.IsPaced is null ? IsPaced : null;
        IsFairByCost = other.IsFairByCost is null ? IsFairByCost : null;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, long>> GetEnumerator()
    {
        foreach (ThrottleKey key in ThrottleKeys.All)
        {
            if (_values[key.Index] is { } value)
            {
                yield return new KeyValuePair<string, long>(key.Name, value);
            }
        }
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static ThrottleKey Find(string name) =>
        ThrottleKeys.TryFind(name, out ThrottleKey? key) ? key : throw new BlockException($"Parameter '{name}' is unexpected");
}
