using BlockGraph.BlockCore.Errors;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Holes: making them, making zeros, finding them. What the file cannot do is asked of it once.</summary>
internal sealed unsafe partial class LinuxHostFile
{
    // A device punches and zeroes whole blocks only.
    private readonly int _rangeAlignmentBytes;

    // Written racily by workers: each goes from false to true once, and a late reader only asks in vain once more.
    private volatile bool _cannotPunch;
    private volatile bool _cannotZero;
    private volatile bool _cannotAllocate;
    private volatile bool _cannotSeekData;

    // Where the hole ends that was found last: any caller's, for it is only where to look first.
    private long _dataAt = -1;

    public override bool TryPunchHole(long offset, long lengthBytes)
    {
        CheckChange(offset, lengthBytes);
        return lengthBytes == 0 || (IsWholeBlocks(offset, lengthBytes) && TryPunch(offset, lengthBytes));
    }

    public override bool TryZeroRange(long offset, long lengthBytes, bool mayUnmap)
    {
        CheckChange(offset, lengthBytes);
        if (lengthBytes == 0)
        {
            return true;
        }

        if (!IsWholeBlocks(offset, lengthBytes))
        {
            return false;
        }

        if (mayUnmap && TryPunch(offset, lengthBytes) && TryReach(offset + lengthBytes))
        {
            return true;
        }

        if (!_cannotZero)
        {
            if (TryAllocate(ZeroRange, offset, lengthBytes))
            {
                return true;
            }

            _cannotZero = true;
        }

        return !IsBlockDevice && !_cannotAllocate && TryPunch(offset, lengthBytes) && TryAllocatePlain(offset, lengthBytes);
    }

    public override long? FindAllocatedBytes()
    {
        const int unitBytes = 512;
        FileStatus status = default;
        int result = Stat(_descriptor, "", EmptyPath, StatBlocks, &status);
        GC.KeepAlive(this);
        return result == 0 && (status.Mask & StatBlocks) != 0 ? checked((long)status.BlockCount * unitBytes) : null;
    }

    public override bool TryAvoidCopyOnWrite()
    {
        bool isDone = FileNative.TryAvoidCopyOnWrite(_descriptor);
        GC.KeepAlive(this);
        return isDone;
    }

    public override bool TrySetExtentSize(long pieceBytes)
    {
        bool isDone = pieceBytes is > 0 and <= uint.MaxValue && FileNative.TrySetExtentSize(_descriptor, (uint)pieceBytes);
        GC.KeepAlive(this);
        return isDone;
    }

    public override bool TryAllocate(long offset, long lengthBytes)
    {
        CheckChange(offset, lengthBytes);
        return lengthBytes == 0 || (!IsBlockDevice && !_cannotAllocate && TryAllocatePlain(offset, lengthBytes));
    }

    public override bool TryGetExtent(long offset, long lengthBytesMax, out bool isData, out long lengthBytes)
    {
        CheckOpen();
        CheckRange(offset, lengthBytesMax);
        Invariant.Check(lengthBytesMax > 0);
        isData = true;
        lengthBytes = lengthBytesMax;
        if (_cannotSeekData)
        {
            return false;
        }

        // Where the last hole has ended data begins, as a rule: then there is only its end to be asked for.
        if (offset == Volatile.Read(ref _dataAt) && TryGetDataEnd(offset, lengthBytesMax, out lengthBytes))
        {
            return true;
        }

        long data = Seek(_descriptor, offset, SeekData);
        if (data < 0)
        {
            // There is no data from here to the end of the file, or the file ends before.
            isData = LinuxErrno.Last != LinuxErrno.NoDevice;
            _cannotSeekData = isData;
            return !isData;
        }

        if (data > offset)
        {
            Volatile.Write(ref _dataAt, data);
            isData = false;
            lengthBytes = long.Min(data - offset, lengthBytesMax);
            return true;
        }

        return TryGetDataEnd(offset, lengthBytesMax, out lengthBytes);
    }

    // A hole that is here by now was punched since: call it unknown.
    private bool TryGetDataEnd(long offset, long lengthBytesMax, out long lengthBytes)
    {
        long hole = Seek(_descriptor, offset, SeekHole);
        lengthBytes = hole > offset ? long.Min(hole - offset, lengthBytesMax) : lengthBytesMax;
        GC.KeepAlive(this);
        return hole > offset;
    }

    private bool IsWholeBlocks(long offset, long lengthBytes) => ((offset | lengthBytes) & (_rangeAlignmentBytes - 1)) == 0;

    private bool TryPunch(long offset, long lengthBytes)
    {
        if (_cannotPunch)
        {
            return false;
        }

        if (TryAllocate(PunchHole, offset, lengthBytes))
        {
            return true;
        }

        _cannotPunch = true;
        return false;
    }

    private bool TryAllocatePlain(long offset, long lengthBytes)
    {
        if (TryAllocate(AllocateSpace, offset, lengthBytes))
        {
            return true;
        }

        _cannotAllocate = true;
        return false;
    }

    // Allocating the last byte lets the file grow but never shrink, whatever another request does to its length meanwhile.
    private bool TryReach(long end) => IsBlockDevice || end <= GetLengthBytes() || (!_cannotAllocate && TryAllocatePlain(end - 1, 1));

    private bool TryAllocate(int mode, long offset, long lengthBytes)
    {
        while (Allocate(_descriptor, mode, offset, lengthBytes) != 0)
        {
            int errno = LinuxErrno.Last;
            if (errno is LinuxErrno.NotSupported or LinuxErrno.NoSystemCall or LinuxErrno.WrongDevice)
            {
                return false;
            }

            ThrowUnlessInterrupted();
        }

        GC.KeepAlive(this);
        return true;
    }

    private void CheckChange(long offset, long lengthBytes)
    {
        CheckOpen();
        CheckRange(offset, lengthBytes);
        Invariant.Check(!IsReadOnly);
    }
}
