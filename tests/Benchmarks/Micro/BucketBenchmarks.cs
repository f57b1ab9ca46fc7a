using BenchmarkDotNet.Attributes;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Benchmarks.Micro;

/// <summary>The arithmetic of a limit, without clock, lock or queue.</summary>
public class BucketBenchmarks
{
    private readonly ThrottleState _total = new(new ThrottleConfig { IopsTotal = new ThrottleLimits(1_000_000_000_000), BpsTotal = new ThrottleLimits(1_000_000_000_000_000) });
    private LeakyBucket _bucket = new(new ThrottleLimits(1_000_000_000_000));
    private long _nowNs;

    /// <summary>One bucket: leak, ask, charge.</summary>
    [Benchmark(Baseline = true)]
    public long OneBucket()
    {
        _bucket.Leak(1000);
        long waitNs = _bucket.WaitNs();
        _bucket.Charge(1);
        return waitNs;
    }

    /// <summary>The six buckets of a group, of which two have a rate.</summary>
    [Benchmark]
    public long SixBuckets()
    {
        _nowNs += 1000;
        _total.Leak(_nowNs);
        long waitNs = _total.WaitNs(ThrottleDirection.Read);
        _total.Charge(ThrottleDirection.Read, 4096);
        return waitNs;
    }
}
