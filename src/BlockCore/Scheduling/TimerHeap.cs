using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The armed timers of one context, soonest first. Invariants: (1) a timer's <see cref="AioTimer.HeapIndex"/> is its place;
/// (2) no timer is due before its parent at (i - 1) / 2; (3) timers of one instant leave in the order they were armed.
/// </summary>
internal sealed class TimerHeap
{
    private AioTimer?[] _heap = new AioTimer?[16];
    private long _sequence;

    public int Count { get; private set; }

    public AioTimer First => _heap[0]!;

    public void Add(AioTimer timer, long dueNs)
    {
        Invariant.Check(timer.HeapIndex < 0);
        timer.DueNs = dueNs;
        timer.Sequence = _sequence++;
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, Count * 2);
        }

        Place(timer, Count++);
        SiftUp(timer);
    }

    public void Remove(AioTimer timer)
    {
        int index = timer.HeapIndex;
        Invariant.Check(index >= 0);
        Invariant.Check(ReferenceEquals(_heap[index], timer));
        timer.HeapIndex = -1;
        AioTimer last = _heap[--Count]!;
        _heap[Count] = null;
        if (!ReferenceEquals(last, timer))
        {
            Place(last, index);
            SiftUp(last);
            SiftDown(last);
        }
    }

    private static bool IsBefore(AioTimer a, AioTimer b) => a.DueNs < b.DueNs || (a.DueNs == b.DueNs && a.Sequence < b.Sequence);

    private void Place(AioTimer timer, int index)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    private void SiftUp(AioTimer timer)
    {
        int index = timer.HeapIndex;
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!IsBefore(timer, _heap[parent]!))
            {
                break;
            }

            Place(_heap[parent]!, index);
            index = parent;
        }

        Place(timer, index);
    }

    private void SiftDown(AioTimer timer)
    {
        int index = timer.HeapIndex;
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && IsBefore(_heap[child + 1]!, _heap[child]!))
            {
                child++;
            }

            if (!IsBefore(_heap[child]!, timer))
            {
                break;
            }

            Place(_heap[child]!, index);
            index = child;
        }

        Place(timer, index);
    }
}
