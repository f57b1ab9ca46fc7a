using System.Numerics;
using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Accounting;

/// <summary>
/// Counts durations in buckets whose width grows with the duration: every duration from 0 to the longest that a long holds is
/// kept to within a thirty-second of itself, in fifteen kilobytes, or as coarsely as wanted. Recording allocates nothing and
/// compares nothing.
/// <i>QEMU: BlockLatencyHistogram, with fixed boundaries.</i>
/// </summary>
/// <remarks>
/// <para>With p bits of precision each bucket below 2^p ns is one nanosecond wide. Above, each octave [2^n, 2^(n+1)) has 2^p buckets
/// of equal width.</para>
/// <para>Not thread-safe: one context records, and whoever reads does so there or when nobody records.</para>
/// </remarks>
public sealed class LatencyHistogram
{
    private const int UsualPrecisionBits = 5;
    private const int PrecisionBitsMax = 10;

    private readonly int _precisionBits;
    private readonly long[] _counts;

    /// <summary>Without durations yet, as precise as usual.</summary>
    public LatencyHistogram()
        : this(UsualPrecisionBits)
    {
    }

    /// <summary>Without durations yet; a duration is kept to within 1 / 2^<paramref name="precisionBits"/> of itself.</summary>
    /// <param name="precisionBits">From 0 to 10; each bit more doubles the memory, which is half a kilobyte at 0.</param>
    public LatencyHistogram(int precisionBits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(precisionBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(precisionBits, PrecisionBitsMax);
        _precisionBits = precisionBits;
        _counts = new long[(63 - precisionBits + 1) << precisionBits];
    }

    /// <summary>How many durations were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The longest duration recorded, exactly, in nanoseconds; 0 where there is none.</summary>
    public long MaxNs { get; private set; }

    /// <summary>Counts one duration in nanoseconds; a negative one counts as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Record(long durationNs) => Record(durationNs, 1);

    /// <summary>Counts <paramref name="count"/> durations of the same length, in nanoseconds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Record(long durationNs, long count)
    {
        if (durationNs < 0)
        {
            durationNs = 0;
        }

        _counts[BucketOf(durationNs)] += count;
        Count += count;
        if (durationNs > MaxNs)
        {
            MaxNs = durationNs;
        }
    }

    /// <summary>
    /// The shortest duration that <paramref name="fraction"/> of those recorded do not exceed, in nanoseconds, rounded up to the
    /// end of its bucket but never beyond <see cref="MaxNs"/>; 0 where nothing was recorded.
    /// </summary>
    /// <param name="fraction">From 0 to 1, such as 0.99.</param>
    public long ValueAt(double fraction)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fraction);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fraction, 1);
        long rank = Math.Clamp((long)Math.Ceiling(fraction * Count), 1, Math.Max(1, Count));
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return Math.Min(LastOf(bucket), MaxNs);
            }
        }

        return 0;
    }

    /// <summary>Adds what <paramref name="other"/>, as precise, has recorded; nothing where it is null. Another thread may be recording there: what the caller may know of is not missing.</summary>
    internal void Add(LatencyHistogram? other)
    {
        if (other is null)
        {
            return;
        }

        Invariant.Check(_precisionBits == other._precisionBits);
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            long count = Volatile.Read(ref other._counts[bucket]);
            _counts[bucket] += count;
            Count += count;
        }

        // The maximum may be that of one that is just being counted: the buckets' sum is what counts.
        MaxNs = Math.Max(MaxNs, other.MaxNs);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
        MaxNs = 0;
    }

    // With five bits octave 0 is [0, 32), where a bucket is a nanosecond; octave n is [2^(n+4), 2^(n+5)), where one is 2^(n-1).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int BucketOf(long durationNs)
    {
        int bits = _precisionBits;
        if (durationNs < 1L << bits)
        {
            return (int)durationNs;
        }

        int shift = BitOperations.Log2((ulong)durationNs) - bits;
        return (shift << bits) + (int)(durationNs >> shift);
    }

    private long LastOf(int bucket)
    {
        int perOctave = 1 << _precisionBits;
        if (bucket < perOctave)
        {
            return bucket;
        }

        int shift = (bucket / perOctave) - 1;
        long first = (long)((bucket % perOctave) + perOctave) << shift;
        return first + ((1L << shift) - 1);
    }
}
