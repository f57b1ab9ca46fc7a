using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>Looks whether a request of a slot has to wait, and begins another slot then, once. At home.</summary>
internal sealed class ConversionProbe(ConversionLane lane) : AioWork
{
    // A request that the loop carries out is begun in one turn and complete in the next.
    private const int TurnCount = 2;

    private bool _isUnderWay;
    private bool _isAway;
    private bool _isQueued;
    private bool _hasBegunNext;
    private int _turnsLeft;

    /// <summary>A request begins.</summary>
    public void Begin()
    {
        if (_isAway)
        {
            return;
        }

        _isUnderWay = true;
        _turnsLeft = TurnCount;
        Queue();
    }

    /// <summary>It is complete.</summary>
    public void End() => _isUnderWay = false;

    /// <summary>The slot goes on at <paramref name="other"/>, if there is one: it need not be looked at there, for another can begin here meanwhile.</summary>
    /// <returns>Where it is to go on.</returns>
    public AioContext Leave(AioContext? other)
    {
        _isAway = other is not null && !ReferenceEquals(other, lane.Context);
        if (_isAway)
        {
            BeginNext();
        }

        return _isAway ? other! : lane.Context;
    }

    /// <summary>It comes back.</summary>
    /// <returns>Where to.</returns>
    public AioContext ComeBack()
    {
        _isAway = false;
        return lane.Context;
    }

    /// <inheritdoc/>
    protected internal override void Run()
    {
        _isQueued = false;
        if (!_isUnderWay)
        {
            return;
        }

        if (--_turnsLeft > 0)
        {
            Queue();
            return;
        }

        BeginNext();
    }

    private void BeginNext()
    {
        if (!_hasBegunNext)
        {
            _hasBegunNext = true;
            lane.Begin();
        }
    }

    private void Queue()
    {
        if (!_isQueued && !_hasBegunNext)
        {
            _isQueued = true;
            lane.Context.Ready(this);
        }
    }
}
