using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Bitmaps;

/// <summary>The dirty bitmaps of one node, in the order in which they came. Main context, but for what is marked.</summary>
/// <param name="onRecordingChanged">Told when the first of them begins to follow writes, or the last one ends: who carries out requests asks for one only.</param>
public sealed class DirtyBitmapSet(Action onRecordingChanged)
{
    private readonly List<DirtyBitmap> _all = [];

    // Replaced, never edited: requests walk it on any context.
    private DirtyBitmap[] _recording = [];

    /// <summary>Those that have a name.</summary>
    public IEnumerable<DirtyBitmap> Named => _all.Where(static bitmap => bitmap.Name is not null);

    /// <summary>All, with those of operations.</summary>
    public IReadOnlyList<DirtyBitmap> All => _all;

    /// <summary>Any of them follows writes.</summary>
    public bool IsRecording => Volatile.Read(ref _recording).Length > 0;

    /// <summary>The one called <paramref name="name"/>.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out DirtyBitmap? bitmap)
    {
        bitmap = _all.Find(candidate => candidate.Name == name);
        return bitmap is not null;
    }

    /// <summary>Adds one, whose name is free.</summary>
    public void Add(DirtyBitmap bitmap)
    {
        ArgumentNullException.ThrowIfNull(bitmap);
        Invariant.Check(bitmap.Name is null || !TryFind(bitmap.Name, out _));
        _all.Add(bitmap);
        Refresh();
    }

    /// <summary>Takes one away.</summary>
    public void Remove(DirtyBitmap bitmap)
    {
        Invariant.Check(_all.Remove(bitmap));
        Refresh();
    }

    /// <summary>Has one follow writes, or no longer.</summary>
    internal void SetEnabled(DirtyBitmap bitmap, bool isEnabled)
    {
        bitmap.SetEnabled(isEnabled);
        Refresh();
    }

    /// <summary>Gives <paramref name="bitmap"/> a successor, which follows writes where it did, and is clean.</summary>
    /// <exception cref="BlockException">It is in no state for that.</exception>
    internal DirtyBitmap CreateSuccessor(DirtyBitmap bitmap)
    {
        bitmap.ThrowIfUnusable();
        DirtyBitmap successor = new(null, bitmap.GranularityBytes, bitmap.LengthBytes) { IsPersistent = bitmap.IsPersistent, IsEnabled = bitmap.IsEnabled };
        bitmap.SetSuccessor(successor);
        _all.Insert(_all.IndexOf(bitmap) + 1, successor);
        Refresh();
        return successor;
    }

    /// <summary>The successor of <paramref name="bitmap"/> takes its place and name; it goes.</summary>
    internal DirtyBitmap Abdicate(DirtyBitmap bitmap)
    {
        DirtyBitmap successor = bitmap.Abdicate();
        Remove(bitmap);
        return successor;
    }

    /// <summary>What the successor of <paramref name="bitmap"/> has is added to it, and the successor goes.</summary>
    internal void Reclaim(DirtyBitmap bitmap) => Remove(bitmap.Reclaim());

    /// <summary>A range was written, or was tried to be. Any context; allocates nothing.</summary>
    internal void RecordWrite(long offset, long lengthBytes)
    {
        foreach (DirtyBitmap bitmap in Volatile.Read(ref _recording))
        {
            bitmap.RecordWrite(offset, lengthBytes);
        }
    }

    /// <summary>The image has another length. Any context.</summary>
    internal void Resize(long lengthBytes)
    {
        foreach (DirtyBitmap bitmap in _all)
        {
            bitmap.Resize(lengthBytes);
        }
    }

    private void Refresh()
    {
        bool wasRecording = IsRecording;
        Volatile.Write(ref _recording, [.. _all.Where(static bitmap => bitmap.IsRecording)]);
        if (IsRecording != wasRecording)
        {
            onRecordingChanged();
        }
    }
}
