using System.Numerics;
using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Accounting;

/// <summary>
/// Counts durations in buckets whose width grows with the duration: every duration from 0 to the longest that a long holds is
/// kept to within a thirty-second of itself, in fifteen kilobytes. Recording allocates nothing and compares nothing.
/// <i>QEMU: BlockLatencyHistogram, with fixed boundaries.</i>
/// </summary>
/// <remarks>
/// <para>Below 32 ns each bucket is one nanosecond wide. Above, each octave [2^n, 2^(n+1)) has 32 buckets of equal width.</para>
/// <para>Not thread-safe: one context records, and whoever reads does so there or when nobody records.</para>
/// </remarks>
public sealed class LatencyHistogram
{
    private const int BucketBits = 5;
    private const int BucketsPerOctave = 1 << BucketBits;
    private const int BucketCount = (63 - BucketBits + 1) * BucketsPerOctave;

    private readonly long[] _counts = new long[BucketCount];

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
        for (int bucket = 0; bucket < BucketCount; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return Math.Min(LastOf(bucket), MaxNs);
            }
        }

        return 0;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
        MaxNs = 0;
    }

    // Octave 0 is [0, 32), where a bucket is a nanosecond; octave n is [2^(n+4), 2^(n+5)), where one is 2^(n-1).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int BucketOf(long durationNs)
    {
        if (durationNs < BucketsPerOctave)
        {
            return (int)durationNs;
        }

        int shift = BitOperations.Log2((ulong)durationNs) - BucketBits;
        return (shift * BucketsPerOctave) + (int)(durationNs >> shift);
    }

    private static long LastOf(int bucket)
    {
        if (bucket < BucketsPerOctave)
        {
            return bucket;
        }

        int shift = (bucket / BucketsPerOctave) - 1;
        long first = (long)((bucket % BucketsPerOctave) + BucketsPerOctave) << shift;
        return first + ((1L << shift) - 1);
    }
}
