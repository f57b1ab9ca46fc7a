using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Bitmaps;

/// <summary>What has been written to an image since the bitmap was made or cleared, in pieces of one size. Any thread may read it. <i>QEMU: BdrvDirtyBitmap.</i></summary>
/// <remarks>
/// States, any of which may hold beside the others:
/// <code>
///  enabled       follows writes                    disabled      keeps what it has
///  busy          an operation has it: a successor follows writes in its stead, and becomes it (abdicate) or is added to it (reclaim)
///  inconsistent  the image was not closed after it was written: it may lack writes, and can only be removed
///  read-only     the image that keeps it cannot be written
/// </code>
/// Its lock protects the bits and the flags.
/// </remarks>
public sealed partial class DirtyBitmap
{
    /// <summary>The smallest piece, in bytes.</summary>
    public const long GranularityBytesMin = 512;

    private readonly Lock _lock = new();
    private readonly HierarchicalBitmap _bits;
    private readonly int _granularityBits;
    private long _lengthBytes;
    private bool _isEnabled;
    private bool _isBusy;
    private bool _isInconsistent;
    private bool _isReadOnly;
    private bool _isChanged;

    /// <summary>Makes one that is clean.</summary>
    /// <param name="name">What it is called; null for one of an operation's own.</param>
    /// <param name="granularityBytes">How much of the image a bit stands for: a power of two, at least 512.</param>
    /// <param name="lengthBytes">How long the image is.</param>
    /// <exception cref="BlockException">It cannot have that granularity, or would be too large.</exception>
    public DirtyBitmap(string? name, long granularityBytes, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        CheckGranularity(granularityBytes);
        Name = name;
        _granularityBits = (int)long.Log2(granularityBytes);
        _lengthBytes = lengthBytes;
        _bits = new HierarchicalBitmap(BitsOf(lengthBytes));
        _isEnabled = true;
    }

    /// <summary>Refuses what is no granularity.</summary>
    /// <param name="granularityBytes">How much of the image a bit would stand for.</param>
    /// <exception cref="BlockException">It is too small, or no power of two.</exception>
    public static void CheckGranularity(long granularityBytes)
    {
        if (granularityBytes < GranularityBytesMin || !long.IsPow2(granularityBytes))
        {
            throw new BlockException($"Granularity must be power of 2 and at least {GranularityBytesMin}");
        }
    }

    /// <summary>What it is called; null for one of an operation's own.</summary>
    public string? Name { get; private set; }

    /// <summary>How much of the image a bit stands for.</summary>
    public long GranularityBytes => 1L << _granularityBits;

    /// <summary>How long the image is.</summary>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>It is kept by the image when it is closed.</summary>
    public bool IsPersistent { get; init; }

    /// <summary>It follows writes, or would if no successor did.</summary>
    public bool IsEnabled
    {
        get => Volatile.Read(ref _isEnabled);
        init => _isEnabled = value;
    }

    /// <summary>An operation has it.</summary>
    public bool IsBusy => Volatile.Read(ref _isBusy);

    /// <summary>It may lack writes: it can only be removed.</summary>
    public bool IsInconsistent
    {
        get => Volatile.Read(ref _isInconsistent);
        init => (_isInconsistent, _isEnabled) = (value, _isEnabled && !value);
    }

    /// <summary>The image that keeps it cannot be written, nor can it be changed.</summary>
    public bool IsReadOnly
    {
        get => Volatile.Read(ref _isReadOnly);
        set => Volatile.Write(ref _isReadOnly, value);
    }

    /// <summary>Writes are marked here: enabled, and nobody does that in its stead.</summary>
    public bool IsRecording => IsEnabled && Successor is null && !IsInconsistent;

    /// <summary>How much is dirty, in whole pieces.</summary>
    public long DirtyBytes
    {
        get
        {
            lock (_lock)
            {
                return checked(_bits.SetCount << _granularityBits);
            }
        }
    }

    /// <summary>It is another than when this was last reset: what keeps it has something to write.</summary>
    public bool IsChanged
    {
        get => Volatile.Read(ref _isChanged);
        set => Volatile.Write(ref _isChanged, value);
    }

    /// <summary>True where the byte at <paramref name="offset"/> lies in a piece that is dirty.</summary>
    public bool IsDirty(long offset)
    {
        lock (_lock)
        {
            return _bits[offset >> _granularityBits];
        }
    }

    /// <summary>Where the first dirty byte of a range is; -1 where there is none.</summary>
    public long NextDirty(long offset, long lengthBytes)
    {
        lock (_lock)
        {
            long bit = _bits.NextSet(offset >> _granularityBits, EndBit(offset, lengthBytes));
            return bit < 0 ? -1 : Math.Max(offset, bit << _granularityBits);
        }
    }

    /// <summary>Where the first clean byte of a range is; -1 where there is none.</summary>
    public long NextClean(long offset, long lengthBytes)
    {
        lock (_lock)
        {
            long bit = _bits.NextClear(offset >> _granularityBits, EndBit(offset, lengthBytes));
            return bit < 0 ? -1 : Math.Max(offset, bit << _granularityBits);
        }
    }

    /// <summary>The first part of a range that is dirty, no longer than <paramref name="lengthBytesMax"/>; false where nothing is.</summary>
    public bool TryFindDirty(long offset, long lengthBytes, long lengthBytesMax, out long start, out long dirtyBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytesMax);
        start = dirtyBytes = 0;
        if (lengthBytes == 0)
        {
            return false;
        }

        bool isFound;
        long end;
        lock (_lock)
        {
            isFound = _bits.TryFindRun(offset >> _granularityBits, EndBit(offset, lengthBytes), (lengthBytesMax >> _granularityBits) + 2, out long bit, out long count);
            start = Math.Max(offset, bit << _granularityBits);
            end = Math.Min((bit + count) << _granularityBits, offset + lengthBytes);
        }

        dirtyBytes = isFound ? Math.Min(end - start, lengthBytesMax) : 0;
        return isFound;
    }

    /// <summary>Refuses to use it for something that it is in no state for.</summary>
    /// <param name="mayBeInconsistent">It is to be removed.</param>
    /// <param name="mayBeReadOnly">It is to be looked at only.</param>
    /// <exception cref="BlockException">It is not usable; the message says why.</exception>
    public void ThrowIfUnusable(bool mayBeInconsistent = false, bool mayBeReadOnly = false)
    {
        if (IsBusy)
        {
            throw new BlockException(BlockErrorKind.Busy, $"Bitmap '{Name}' is currently in use by another operation and cannot be used");
        }

        if (IsReadOnly && !mayBeReadOnly)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, $"Bitmap '{Name}' is readonly and cannot be modified");
        }

        if (IsInconsistent && !mayBeInconsistent)
        {
            throw new BlockException($"Bitmap '{Name}' is inconsistent and cannot be used") { Hint = "Try block-dirty-bitmap-remove to delete this bitmap from disk" };
        }
    }

    /// <summary>Refuses to add what is dirty in <paramref name="source"/>.</summary>
    /// <exception cref="BlockException">One of them is not usable, or they are of images of different lengths.</exception>
    public void ThrowIfNotMergeable(DirtyBitmap source)
    {
        ArgumentNullException.ThrowIfNull(source);
        ThrowIfUnusable();
        source.ThrowIfUnusable(mayBeReadOnly: true);
        if (source.LengthBytes != LengthBytes)
        {
            throw new BlockException($"Bitmaps are of different sizes (destination size is {LengthBytes}, source size is {source.LengthBytes}) and can't be merged");
        }
    }

    /// <summary>Keeps it from others for an operation, or no longer.</summary>
    /// <exception cref="BlockException">Another has it.</exception>
    public void SetBusy(bool isBusy)
    {
        if (isBusy)
        {
            ThrowIfUnusable();
        }

        Volatile.Write(ref _isBusy, isBusy);
    }

    /// <summary>Marks a range, clipped to the image, whatever its state.</summary>
    public void MarkDirty(long offset, long lengthBytes)
    {
        lock (_lock)
        {
            MarkUnsynchronized(offset, lengthBytes);
        }
    }

    /// <summary>Takes the marks of the whole pieces of a range, clipped to the image; the image's last piece may be short.</summary>
    public void MarkClean(long offset, long lengthBytes)
    {
        lock (_lock)
        {
            long end = Math.Min(offset + lengthBytes, _lengthBytes);
            long first = (offset + GranularityBytes - 1) >> _granularityBits;
            long last = end == _lengthBytes ? _bits.BitCount : end >> _granularityBits;
            if (first < last && _bits.ResetRange(first, last - first))
            {
                _isChanged = true;
            }
        }
    }

    /// <summary>Takes all marks.</summary>
    internal void Clear()
    {
        lock (_lock)
        {
            _bits.ResetRange(0, _bits.BitCount);
            _isChanged = true;
        }
    }

    /// <summary>Adds what is dirty in <paramref name="source"/>: whole pieces of this one that a piece of that touches.</summary>
    internal void MergeFrom(DirtyBitmap source)
    {
        if (ReferenceEquals(source, this))
        {
            return;
        }

        // What is dirty there later is marked there only: one lock at a time, in the order of the bits.
        IsChanged = true;
        if (source.GranularityBytes == GranularityBytes)
        {
            HierarchicalBitmap copy = source.Copy();
            lock (_lock)
            {
                copy.Resize(_bits.BitCount);
                _bits.MergeFrom(copy);
            }

            return;
        }

        for (long at = 0; source.TryFindDirty(at, source.LengthBytes - at, long.MaxValue >> 1, out long start, out long length); at = start + length)
        {
            MarkDirty(start, length);
        }
    }

    /// <summary>Marks a range; for the node that it belongs to.</summary>
    internal void RecordWrite(long offset, long lengthBytes)
    {
        lock (_lock)
        {
            if (_isEnabled)
            {
                MarkUnsynchronized(offset, lengthBytes);
            }
        }
    }

    /// <summary>Has it follow writes, or no longer.</summary>
    internal void SetEnabled(bool isEnabled)
    {
        lock (_lock)
        {
            _isChanged |= _isEnabled != isEnabled;
            _isEnabled = isEnabled;
        }
    }

    /// <summary>The image has another length: what it grows by is clean. One that cannot follow is inconsistent from now on.</summary>
    internal void Resize(long lengthBytes)
    {
        lock (_lock)
        {
            if (lengthBytes == _lengthBytes)
            {
                return;
            }

            Volatile.Write(ref _lengthBytes, lengthBytes);
            _isChanged = true;
            if (_isInconsistent || CountBits(lengthBytes) > HierarchicalBitmap.BitCountMax)
            {
                (_isInconsistent, _isEnabled) = (true, false);
                return;
            }

            // A piece that is cut keeps its mark: a part of it is still there.
            _bits.Resize(CountBits(lengthBytes));
        }
    }

    /// <summary>Writes pieces as a file has them: see <see cref="HierarchicalBitmap.Serialise"/>.</summary>
    public bool Serialise(long startBit, Span<byte> bytes)
    {
        lock (_lock)
        {
            return _bits.Serialise(startBit, bytes);
        }
    }

    /// <summary>Replaces pieces by what a file has: see <see cref="HierarchicalBitmap.Deserialise"/>.</summary>
    public void Deserialise(long startBit, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            _bits.Deserialise(startBit, bytes);
        }
    }

    private HierarchicalBitmap Copy()
    {
        lock (_lock)
        {
            HierarchicalBitmap copy = new(_bits.BitCount);
            copy.MergeFrom(_bits);
            return copy;
        }
    }

    private void MarkUnsynchronized(long offset, long lengthBytes)
    {
        long end = Math.Min(offset + lengthBytes, _lengthBytes);
        long first = offset >> _granularityBits;
        if (offset < end && _bits.SetRange(first, ((end - 1) >> _granularityBits) - first + 1))
        {
            _isChanged = true;
        }
    }

    // Where a range of bytes ends in bits, of which it may touch the last in part.
    private long EndBit(long offset, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, _lengthBytes - offset);
        return lengthBytes == 0 ? offset >> _granularityBits : ((offset + lengthBytes - 1) >> _granularityBits) + 1;
    }

    private long CountBits(long lengthBytes) => (lengthBytes >> _granularityBits) + ((lengthBytes & (GranularityBytes - 1)) == 0 ? 0 : 1);

    private long BitsOf(long lengthBytes)
    {
        long bits = CountBits(lengthBytes);
        return bits <= HierarchicalBitmap.BitCountMax
            ? bits
            : throw new BlockException(BlockErrorKind.TooLarge, $"A bitmap of {lengthBytes} bytes needs a granularity of more than {GranularityBytes} bytes");
    }
}
