using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>In which order chunks are written: each waits for the turn of its number. Any context.</summary>
/// <param name="count">How many numbers can be under way at once; they follow one another.</param>
internal sealed class ConversionTurns(int count)
{
    private readonly Lock _lock = new();

    // Each number has a queue of its own among those under way: who ends a turn wakes nobody else.
    private readonly CoQueue[] _queues = Array.ConvertAll(new object?[count], _ => new CoQueue());
    private long _turn;
    private bool _isOver;

    /// <summary>How many turns have ended.</summary>
    public long EndedCount
    {
        get
        {
            lock (_lock)
            {
                return _turn;
            }
        }
    }

    /// <summary>Completes when it is the turn of <paramref name="number"/>, or when there are no turns any more.</summary>
    public ValueTask WaitAsync(long number)
    {
        lock (_lock)
        {
            Invariant.Check(number - _turn < count, "more chunks are under way than have turns");
            return _isOver || _turn == number ? default : _queues[number % count].WaitAsync();
        }
    }

    /// <summary>The next may go.</summary>
    public void End()
    {
        lock (_lock)
        {
            _turn++;
            _queues[_turn % count].WakeNext();
        }
    }

    /// <summary>Nobody waits any more.</summary>
    public void GiveUp()
    {
        lock (_lock)
        {
            _isOver = true;
            Array.ForEach(_queues, queue => queue.WakeAll());
        }
    }
}
