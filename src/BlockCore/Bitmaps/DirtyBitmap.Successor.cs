using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Bitmaps;

/// <content>What follows writes while an operation has the bitmap.</content>
public sealed partial class DirtyBitmap
{
    /// <summary>What follows writes in its stead, or null.</summary>
    public DirtyBitmap? Successor { get; private set; }

    /// <summary>From now on <paramref name="successor"/> follows writes in its stead, and an operation has it.</summary>
    internal void SetSuccessor(DirtyBitmap successor)
    {
        Invariant.Check(Successor is null);
        SetBusy(true);
        Successor = successor;
    }

    /// <summary>The successor takes its place: its name and its being kept.</summary>
    /// <returns>The successor.</returns>
    internal DirtyBitmap Abdicate()
    {
        DirtyBitmap successor = Successor ?? throw new InvariantViolationException("a dirty bitmap without a successor was to abdicate");
        Invariant.Check(successor.IsPersistent == IsPersistent);
        successor.Name = Name;
        successor.IsChanged = true;
        Name = null;
        Successor = null;
        Volatile.Write(ref _isBusy, false);
        return successor;
    }

    /// <summary>What the successor has is added, and it goes.</summary>
    /// <returns>The successor.</returns>
    internal DirtyBitmap Reclaim()
    {
        DirtyBitmap successor = Successor ?? throw new InvariantViolationException("a dirty bitmap without a successor was to reclaim");
        MergeFrom(successor);
        SetEnabled(successor.IsEnabled);
        Successor = null;
        Volatile.Write(ref _isBusy, false);
        return successor;
    }
}
