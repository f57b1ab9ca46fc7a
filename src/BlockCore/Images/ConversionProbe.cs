using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>Looks whether a request of a slot has to wait, and begins another slot then, once. At home.</summary>
internal sealed class ConversionProbe(ConversionLane lane) : AioWork
{
    // A request that the loop carries out is begun in one turn and complete in the next.
    private const int TurnCount = 2;

    private bool _isUnderWay;
    private bool _isQueued;
    private bool _hasBegunNext;
    private int _turnsLeft;

    /// <summary>A request begins.</summary>
    public void Begin()
    {
        _isUnderWay = true;
        _turnsLeft = TurnCount;
        Queue();
    }

    /// <summary>It is complete.</summary>
    public void End() => _isUnderWay = false;

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

        _hasBegunNext = true;
        lane.Begin();
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
