using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Simulation.Tests.Throttling;

/// <summary>
/// What one group must have charged, kept from outside: every admission is entered, once, at its instant. At each the level says whether it was too
/// early: never above the capacity, but for one request of the other direction, and one that was on its way before a drained request passed it by. So
/// no time T admits more than C + A*T and one request of each direction.
/// </summary>
internal sealed class ThrottleLedger(ThrottleGroup group)
{
    private readonly ThrottleState _state = new(group.Config);
    private readonly int[] _freeStarts = new int[2];
    private readonly long[] _lengthBytesMax = new long[2];
    private readonly int[] _admittedCounts = new int[2];

    // By direction: when the next of those that wait is due, if nothing changes meanwhile.
    private readonly (long AtNs, int AdmittedCount, ThrottleConfig? Config)[] _due = new (long, int, ThrottleConfig?)[2];

    /// <summary>How many requests were admitted.</summary>
    public int AdmittedCount => _admittedCounts.Sum();

    /// <summary>Takes limits over that have come into force at <paramref name="atNs"/>, if there are new ones.</summary>
    public void Follow(ThrottleChangePolicy policy, long atNs)
    {
        if (!ReferenceEquals(_state.Config, group.Config))
        {
            _state.Configure(group.Config, policy, atNs);
        }
    }

    /// <summary>Enters a request that has been admitted just now; what is wrong with that, or null.</summary>
    public string? Admit(ThrottleDirection direction, long lengthBytes, bool isDrained, long nowNs)
    {
        _admittedCounts[(int)direction]++;
        _state.Leak(nowNs);
        string? finding = isDrained ? null : FindTooEarly(direction);
        if (isDrained)
        {
            Array.Fill(_freeStarts, 1);
        }
        else if (finding is not null && _freeStarts[(int)direction] > 0)
        {
            _freeStarts[(int)direction]--;
            finding = null;
        }

        _lengthBytesMax[(int)direction] = Math.Max(_lengthBytesMax[(int)direction], lengthBytes);
        _state.Charge(direction, lengthBytes);
        return finding;
    }

    /// <summary>What the group has charged otherwise than the ledger, or null.</summary>
    public string? FindDifference(long nowNs)
    {
        // Both leak until now, and nothing else happens.
        ThrottleConfig config = group.Config;
        group.SetConfig(config, ThrottleChangePolicy.Keep);
        _state.Configure(config, ThrottleChangePolicy.Keep, nowNs);
        foreach (ThrottleMeter meter in Enum.GetValues<ThrottleMeter>())
        {
            double charged = group.Bucket(meter).Level;
            double admitted = _state[meter].Level;
            if (Math.Abs(charged - admitted) > 1e-6 * Math.Max(1, admitted))
            {
                return $"group '{group.Name}' stands at {charged} on {meter}, what was admitted makes {admitted}";
            }
        }

        return null;
    }

    /// <summary>Whoever waits on though the next one was due, or null. To be asked after <see cref="FindDifference"/>.</summary>
    public string? FindStranded(long nowNs)
    {
        foreach (ThrottleDirection direction in Enum.GetValues<ThrottleDirection>())
        {
            (long atNs, int admittedCount, ThrottleConfig? config) = _due[(int)direction];
            int pendingCount = group.PendingCount(direction);
            bool isExpected = ReferenceEquals(config, _state.Config) && admittedCount == _admittedCounts[(int)direction];
            if (pendingCount > 0 && isExpected && nowNs > atNs)
            {
                return $"{pendingCount} requests of direction {direction} wait in group '{group.Name}', and the next was due {(nowNs - atNs) / 1000} us ago";
            }

            if (pendingCount == 0)
            {
                _due[(int)direction] = default;
            }
            else if (!isExpected)
            {
                _due[(int)direction] = (nowNs + _state.WaitNs(direction), _admittedCounts[(int)direction], _state.Config);
            }
        }

        return null;
    }

    private string? FindTooEarly(ThrottleDirection direction)
    {
        int own = 1 + (int)direction;
        long otherBytes = _lengthBytesMax[1 - (int)direction];
        return FindTooEarly(ThrottleMeter.BpsTotal, otherBytes) ?? FindTooEarly(ThrottleMeter.BpsTotal + own, 0)
            ?? FindTooEarly(ThrottleMeter.IopsTotal, 1) ?? FindTooEarly(ThrottleMeter.IopsTotal + own, 0);
    }

    // A wait is cut off to whole nanoseconds.
    private string? FindTooEarly(ThrottleMeter meter, long slack)
    {
        LeakyBucket bucket = _state[meter];
        double most = bucket.Capacity + slack + (bucket.Limits.Rate * 2e-9) + 1e-6;
        return bucket.Limits.Rate == 0 || bucket.Level <= most ? null : $"group '{group.Name}' admits at {bucket.Level} on {meter}, whose capacity is {bucket.Capacity}";
    }
}
