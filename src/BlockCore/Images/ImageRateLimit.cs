using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Images;

/// <summary>Keeps work on an image to its speed. What goes is charged afterwards, so that a piece larger than the bucket goes too. One context.</summary>
/// <param name="bytesPerSecond">The speed; 0 for no limit.</param>
internal sealed class ImageRateLimit(long bytesPerSecond)
{
    private LeakyBucket _bucket = new(new ThrottleLimits(bytesPerSecond));
    private long _lastNs;

    /// <summary>Waits until something may go, and charges it. Who comes together waits together.</summary>
    public ValueTask TakeAsync(AioContext context, long bytes, CancellationToken cancel) => bytesPerSecond == 0 ? default : TakeTurnAsync(context, bytes, cancel);

    private async ValueTask TakeTurnAsync(AioContext context, long bytes, CancellationToken cancel)
    {
        long waitNs;
        while ((waitNs = WaitNs(context.NowNs)) > 0)
        {
            await context.DelayAsync(waitNs, cancel);
        }

        _bucket.Charge(bytes);
    }

    private long WaitNs(long nowNs)
    {
        _bucket.Leak(nowNs - _lastNs);
        _lastNs = nowNs;
        return _bucket.WaitNs();
    }
}
