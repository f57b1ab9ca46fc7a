using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Tables of an image in memory, in slices of one size: as many as it may have, those that were not used for long are given up. It belongs to the node's
/// home context.
/// </summary>
/// <remarks>
/// Whoever goes through an image from end to end uses each table once: of all that there may be only a few are kept until one is asked for again that had to be
/// given up. From then on each that comes back makes room for itself.
/// Invariants: (1) a slice stands in the index, in the ring, and nowhere else; (2) what is dirty or captured is never given up; (3) what is in memory is in the
/// file, or in a slice that is dirty or captured.
/// </remarks>
internal sealed class MetadataCache
{
    /// <summary>What a slice takes beside its bytes.</summary>
    public const int OverheadBytes = 128;

    private const int SpareCountMax = 16;

    // So much is kept in any case, if there may be as much.
    private const int KeptBytesMin = 4 << 20;

    private readonly BlockChild _file;
    private readonly int _alignmentBytes;
    private readonly DebugEvent _load;
    private readonly DebugEvent _update;
    private readonly Dictionary<long, MetadataSlice> _slices = [];
    private readonly List<MetadataSlice> _ring = [];
    private readonly HashSet<long> _loading = [];
    private readonly CoQueue _loadWaiters = new();
    private readonly Stack<Memory<byte>> _spare = [];
    private readonly HashSet<long> _givenUp = [];
    private List<MetadataSlice> _dirty = [];
    private int _roomCount;
    private int _sliceCountMax;
    private int _hand;
    private int _generation;

    // Where the file has a new table of zeros, and which of its slices were not in memory since.
    private long _zerosOffset;
    private bool[] _areZeros = [];

    /// <param name="file">Where the tables are.</param>
    /// <param name="sliceBytes">How long a slice is: a power of two, at most a cluster.</param>
    /// <param name="sliceCountMax">How many there may be.</param>
    /// <param name="load">Told before a slice is read.</param>
    /// <param name="update">Told before slices are written.</param>
    public MetadataCache(BlockChild file, int sliceBytes, int sliceCountMax, DebugEvent load, DebugEvent update)
    {
        _load = load;
        _update = update;
        _file = file;
        _alignmentBytes = file.Node.Limits.MemoryAlignmentBytes;
        SliceBytes = sliceBytes;
        SliceCountMax = sliceCountMax;
    }

    /// <summary>How long a slice is.</summary>
    public int SliceBytes { get; }

    /// <summary>How many slices there may be.</summary>
    public int SliceCountMax
    {
        get => _sliceCountMax;
        set
        {
            _sliceCountMax = value;
            _roomCount = Math.Min(value, KeptBytesMin / (SliceBytes + OverheadBytes));
            _givenUp.Clear();
        }
    }

    /// <summary>How many slices there are.</summary>
    public int SliceCount => _ring.Count;

    /// <summary>Something in memory is newer than in the file.</summary>
    public bool HasDirty => _dirty.Count > 0;

    /// <summary>So much is dirty that the next slices may find no room.</summary>
    public bool IsCrowded => _dirty.Count >= Math.Max(1, _roomCount - 1);

    /// <summary>The slice that has the byte at <paramref name="hostOffset"/>, if it is in memory.</summary>
    public bool TryGet(long hostOffset, [NotNullWhen(true)] out MetadataSlice? slice)
    {
        if (_slices.TryGetValue(hostOffset & ~(SliceBytes - 1L), out slice))
        {
            slice.WasUsed = true;
            return true;
        }

        return false;
    }

    /// <summary>The slice that has the byte at <paramref name="hostOffset"/>; read where it is not in memory. Use it before the next await.</summary>
    /// <exception cref="BlockException">It could not be read.</exception>
    public ValueTask<MetadataSlice> GetAsync(long hostOffset) => TryGet(hostOffset, out MetadataSlice? slice) ? new(slice)
        : IsZeros(hostOffset, out int index) ? new(InsertZeros(index))
        : LoadAsync(hostOffset & ~(SliceBytes - 1L));

    /// <summary>Gets the slice ready to be changed: nobody is writing the memory that it then has.</summary>
    public Span<byte> Change(MetadataSlice slice)
    {
        if (slice.IsCaptured)
        {
            Memory<byte> memory = RentMemory();
            slice.Memory.CopyTo(memory);
            slice.Memory = memory;
            slice.IsCaptured = false;
        }

        if (!slice.IsDirty)
        {
            slice.IsDirty = true;
            _dirty.Add(slice);
        }

        return slice.Bytes;
    }

    /// <summary>Takes what is dirty, as it is now, to be written.</summary>
    public List<(MetadataSlice Slice, Memory<byte> Memory)> Capture()
    {
        List<(MetadataSlice, Memory<byte>)> captured = new(_dirty.Count);
        foreach (MetadataSlice slice in _dirty)
        {
            slice.IsDirty = false;
            slice.IsCaptured = true;
            captured.Add((slice, slice.Memory));
        }

        _dirty = [];
        return captured;
    }

    /// <summary>Writes what was captured. What could not be written is dirty again.</summary>
    public async ValueTask WriteAsync(List<(MetadataSlice Slice, Memory<byte> Memory)> captured)
    {
        int written = 0;
        captured.Sort(static (first, second) => first.Slice.HostOffset.CompareTo(second.Slice.HostOffset));
        try
        {
            while (written < captured.Count)
            {
                int run = 1;
                while (written + run < captured.Count && captured[written + run].Slice.HostOffset == captured[written].Slice.HostOffset + ((long)run * SliceBytes))
                {
                    run++;
                }

                IoVector vector = run == 1 ? captured[written].Memory : new IoVector(new IoSegments([.. captured.Skip(written).Take(run).Select(static part => part.Memory)]));
                await _file.DebugEventAsync(_update);
                await _file.WriteAsync(captured[written].Slice.HostOffset, vector, RequestFlags.None, CancellationToken.None);
                Release(captured, written, run);
                written += run;
            }
        }
        catch
        {
            Restore(captured, written);
            throw;
        }
    }

    /// <summary>What was captured will not be written now: it is dirty again.</summary>
    public void Restore(List<(MetadataSlice Slice, Memory<byte> Memory)> captured, int start = 0)
    {
        foreach ((MetadataSlice slice, Memory<byte> memory) in captured.Skip(start))
        {
            if (slice.IsCaptured && slice.Memory.Equals(memory))
            {
                slice.IsCaptured = false;
                slice.IsDirty = true;
                _dirty.Add(slice);
            }
            else
            {
                ReturnMemory(memory);
            }
        }
    }

    /// <summary>The file has zeros in a range, nothing of which is in memory, and only this cache changes it: its slices need not be read. It holds for the last range told.</summary>
    public void KnowZeros(long hostOffset, long lengthBytes)
    {
        _zerosOffset = hostOffset;
        int count = (int)(lengthBytes / SliceBytes);
        _areZeros = _areZeros.Length == count ? _areZeros : new bool[count];
        Array.Fill(_areZeros, true);
    }

    /// <summary>Forgets what is in memory of a range that is something else now.</summary>
    public void Forget(long hostOffset, long lengthBytes)
    {
        if (hostOffset < _zerosOffset + ((long)_areZeros.Length * SliceBytes) && _zerosOffset < hostOffset + lengthBytes)
        {
            _areZeros = [];
        }

        for (long at = hostOffset & ~(SliceBytes - 1L); at < hostOffset + lengthBytes; at += SliceBytes)
        {
            if (_slices.Remove(at, out MetadataSlice? slice))
            {
                _ring.Remove(slice);
                _dirty.Remove(slice);
                slice.IsDirty = false;
                _hand = 0;
            }
        }
    }

    /// <summary>Gives up everything: what is in the file holds. What is just being read is read again.</summary>
    public void Clear()
    {
        _generation++;
        _areZeros = [];
        _dirty.Clear();
        _slices.Clear();
        _ring.Clear();
        _spare.Clear();
        _hand = 0;
    }

    /// <summary>Gives up what was not used since the last call.</summary>
    public void Trim()
    {
        for (int i = _ring.Count - 1; i >= 0; i--)
        {
            MetadataSlice slice = _ring[i];
            if (slice.IsEvictable && !slice.WasUsed)
            {
                _slices.Remove(slice.HostOffset);
                _ring.RemoveAt(i);
            }

            slice.WasUsed = false;
        }

        _spare.Clear();
        _hand = 0;
    }

    private bool IsZeros(long hostOffset, out int index)
    {
        long distance = hostOffset - _zerosOffset;
        bool isInside = distance >= 0 && distance < (long)_areZeros.Length * SliceBytes;
        index = isInside ? (int)(distance / SliceBytes) : 0;
        return isInside && _areZeros[index];
    }

    private MetadataSlice InsertZeros(int index)
    {
        _areZeros[index] = false;
        Memory<byte> memory = RentMemory();
        memory.Span.Clear();
        return Insert(_zerosOffset + ((long)index * SliceBytes), memory);
    }

    private async ValueTask<MetadataSlice> LoadAsync(long hostOffset)
    {
        while (!_loading.Add(hostOffset))
        {
            await _loadWaiters.WaitAsync();
            if (TryGet(hostOffset, out MetadataSlice? loaded))
            {
                return loaded;
            }
        }

        try
        {
            Memory<byte> memory = RentMemory();
            await _file.DebugEventAsync(_load);
            int generation;
            do
            {
                generation = _generation;
                await _file.ReadAsync(hostOffset, memory, RequestFlags.None, CancellationToken.None);
            }
            while (generation != _generation);

            return Insert(hostOffset, memory);
        }
        finally
        {
            _loading.Remove(hostOffset);
            _loadWaiters.WakeAll();
        }
    }

    private MetadataSlice Insert(long hostOffset, Memory<byte> memory)
    {
        if (_givenUp.Remove(hostOffset) && _roomCount < SliceCountMax)
        {
            _roomCount++;
        }

        MetadataSlice? slice = _ring.Count < _roomCount ? null : Evict();
        if (slice is null)
        {
            slice = new MetadataSlice(memory);
            _ring.Add(slice);
        }
        else
        {
            ReturnMemory(slice.Memory);
            slice.Memory = memory;
        }

        slice.HostOffset = hostOffset;
        slice.WasUsed = true;
        _slices.Add(hostOffset, slice);
        return slice;
    }

    // Null where all are dirty: then there are more than there may be until the next write-back.
    private MetadataSlice? Evict()
    {
        for (int step = 0; step < 2 * _ring.Count; step++)
        {
            MetadataSlice slice = _ring[_hand];
            _hand = (_hand + 1) % _ring.Count;
            if (slice.IsEvictable && !slice.WasUsed)
            {
                _slices.Remove(slice.HostOffset);
                Remember(slice.HostOffset);
                return slice;
            }

            slice.WasUsed = false;
        }

        return null;
    }

    // As many as there may be slices: what comes back later than that would not have been kept either.
    private void Remember(long hostOffset)
    {
        if (_givenUp.Count >= SliceCountMax)
        {
            _givenUp.Clear();
        }

        if (_roomCount < SliceCountMax)
        {
            _givenUp.Add(hostOffset);
        }
    }

    private Memory<byte> RentMemory() => _spare.TryPop(out Memory<byte> memory) ? memory : AlignedBuffer.Allocate(SliceBytes, _alignmentBytes);

    private void ReturnMemory(Memory<byte> memory)
    {
        if (_spare.Count < SpareCountMax)
        {
            _spare.Push(memory);
        }
    }

    private void Release(List<(MetadataSlice Slice, Memory<byte> Memory)> captured, int start, int count)
    {
        foreach ((MetadataSlice slice, Memory<byte> memory) in captured.GetRange(start, count))
        {
            if (slice.IsCaptured && slice.Memory.Equals(memory))
            {
                slice.IsCaptured = false;
            }
            else
            {
                ReturnMemory(memory);
            }
        }

        Shrink();
    }

    // Back to as many as there may be.
    private void Shrink()
    {
        while (_ring.Count > _roomCount && Evict() is { } slice)
        {
            _ring.Remove(slice);
            _hand = 0;
        }
    }
}
