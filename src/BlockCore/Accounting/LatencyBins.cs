using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Accounting;

/// <summary>
/// Counts durations in bins whose boundaries a user chose: boundaries b1 &lt; … &lt; bn make the n+1 bins [0,b1), [b1,b2), …, [bn,∞).
/// <i>QEMU: BlockLatencyHistogram.</i>
/// </summary>
/// <remarks>One thread records. Any may read: it misses nothing that it may know of.</remarks>
public sealed class LatencyBins
{
    private readonly long[] _boundariesNs;
    private readonly long[] _counts;

    /// <summary>Empty bins with the boundaries <paramref name="boundariesNs"/>, in nanoseconds.</summary>
    /// <exception cref="BlockException">They are not positive, or do not rise.</exception>
    public LatencyBins(params IReadOnlyList<long> boundariesNs)
    {
        ArgumentNullException.ThrowIfNull(boundariesNs);
        long last = 0;
        foreach (long boundary in boundariesNs)
        {
            if (boundary <= last)
            {
                throw new BlockException("Latency boundaries must be positive and rise strictly");
            }

            last = boundary;
        }

        _boundariesNs = [.. boundariesNs];
        _counts = new long[_boundariesNs.Length + 1];
    }

    /// <summary>The boundaries, in nanoseconds.</summary>
    public IReadOnlyList<long> BoundariesNs => _boundariesNs;

    /// <summary>How many durations fell into each bin; one more than there are boundaries.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>Counts one duration, in nanoseconds.</summary>
    public void Record(long durationNs)
    {
        int index = Array.BinarySearch(_boundariesNs, durationNs);
        _counts[index >= 0 ? index + 1 : ~index]++;
    }

    /// <summary>Adds what <paramref name="other"/>, with the same boundaries, has counted.</summary>
    internal void Add(LatencyBins other)
    {
        Invariant.Check(_boundariesNs.AsSpan().SequenceEqual(other._boundariesNs));
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += Volatile.Read(ref other._counts[i]);
        }
    }

    /// <summary>Empty bins with the same boundaries.</summary>
    internal LatencyBins CloneEmpty() => new(_boundariesNs);
}
