using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>
/// Keeps a job to its speed: what it does is poured into a bucket that holds 100 ms worth of the speed, and while it holds more the job sleeps.
/// <i>QEMU: RateLimit.</i>
/// </summary>
/// <remarks>
/// A chunk larger than that goes at once and is slept for afterwards, so a job moves however slow it is. The speed comes from the main context and
/// is looked at anew before each wait; the bucket belongs to the body alone. At a lower speed a full bucket is all that is left of what was owed.
/// </remarks>
internal sealed class JobRateLimit
{
    private long _speedBytesPerSecond;
    private LeakyBucket _bucket;
    private long _lastNs;

    /// <summary>How fast the job may work, in bytes per second; 0 for no limit. Any thread.</summary>
    public long SpeedBytesPerSecond
    {
        get => Volatile.Read(ref _speedBytesPerSecond);
        set => Volatile.Write(ref _speedBytesPerSecond, value);
    }

    /// <summary>So much has been done.</summary>
    public void Charge(long nowNs, long bytes)
    {
        Advance(nowNs);
        _bucket.Charge(bytes);
    }

    /// <summary>How long the job must sleep before it goes on, in nanoseconds; 0 to go on at once.</summary>
    public long WaitNs(long nowNs)
    {
        Advance(nowNs);
        return _bucket.WaitNs();
    }

    private void Advance(long nowNs)
    {
        _bucket.Leak(nowNs - _lastNs);
        _lastNs = nowNs;
        long speed = SpeedBytesPerSecond;
        if (speed != _bucket.Limits.Rate)
        {
            _bucket = _bucket.Changed(new ThrottleLimits(speed), ThrottleChangePolicy.Scale);
        }
    }
}
