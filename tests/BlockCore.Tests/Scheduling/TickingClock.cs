namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>A clock that moves on by one nanosecond whenever it is read.</summary>
internal sealed class TickingClock : TimeProvider
{
    public long ReadCount { get; private set; }

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => ++ReadCount;
}
