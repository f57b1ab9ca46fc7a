using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The free objects of a pool that one context owns. What comes back soon lies where it lay before, so that renting and
/// returning store no reference; a linked list would store several, each with a write barrier.
/// </summary>
internal struct FreeStack
{
    // Above the count lie objects that are in use now; they belong to the pool all the same.
    private Slot[] _slots = new Slot[16];
    private int _count;

    public FreeStack()
    {
    }

    /// <summary>Takes the object returned last, or null where all are in use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? TryTake() => _count == 0 ? null : _slots[--_count].Item;

    /// <summary>Returns an object.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(object item)
    {
        int index = _count;
        if ((uint)index >= (uint)_slots.Length)
        {
            Grow();
        }

        ref Slot slot = ref _slots[index];
        _count = index + 1;
        if (!ReferenceEquals(slot.Item, item))
        {
            slot.Item = item;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow() => Array.Resize(ref _slots, _slots.Length * 2);

    /// <summary>An element of its own type: storing into an array of references would check the type each time.</summary>
    private struct Slot
    {
        public object Item;
    }
}
