namespace BlockGraph.Tools.Bench;

/// <summary>The sequence of requests of a load: kinds and offsets.</summary>
/// <param name="load">What load.</param>
/// <param name="lengthBytes">The image's length; at least one request long.</param>
internal sealed class BenchRequests(BenchLoad load, long lengthBytes)
{
    private readonly long _slotCount = lengthBytes / load.SizeBytes;
    private readonly bool _isRandom = load.Mix is BenchMix.RandRead or BenchMix.RandWrite or BenchMix.Rw;
    private long _nextSlot;

    // Any seed but zero starts the generator; an odd factor spreads small ones.
    private ulong _random = unchecked((load.Seed * 0x9E3779B97F4A7C15UL) | 1);

    /// <summary>The next request: its offset in bytes and whether it reads.</summary>
    public long Next(out bool isRead)
    {
        if (!_isRandom)
        {
            isRead = load.Mix == BenchMix.Read;
            long slot = _nextSlot++;
            _nextSlot = _nextSlot == _slotCount ? 0 : _nextSlot;
            return slot * load.SizeBytes;
        }

        ulong random = NextRandom();
        isRead = load.Mix == BenchMix.RandRead || (load.Mix == BenchMix.Rw && (random & 1) == 0);
        return (long)Math.BigMul(random, (ulong)_slotCount, out _) * load.SizeBytes;
    }

    // Marsaglia's xorshift with a multiplication behind it.
    private ulong NextRandom()
    {
        unchecked
        {
            _random ^= _random >> 12;
            _random ^= _random << 25;
            _random ^= _random >> 27;
            return _random * 0x2545F4914F6CDD1DUL;
        }
    }
}
