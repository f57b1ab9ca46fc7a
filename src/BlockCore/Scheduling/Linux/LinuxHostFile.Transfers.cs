using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Reads and writes: one call for one piece of memory, one call for up to 1024.</summary>
internal sealed unsafe partial class LinuxHostFile
{
    // Goes from false to true once.
    private volatile bool _cannotWriteDurably;

    public override void Read(long offset, IoVector vector)
    {
        CheckOpen();
        CheckRange(offset, vector.Length);
        if (!vector.TryGetSingle(out Memory<byte> memory))
        {
            ReadSegments(offset, vector);
            return;
        }

        Span<byte> span = memory.Span;
        int done = 0;
        fixed (byte* start = span)
        {
            while (done < span.Length)
            {
                nint count = FileNative.Read(_descriptor, start + done, (nuint)(span.Length - done), offset + done);
                if (count < 0)
                {
                    ThrowUnlessInterrupted();
                    continue;
                }

                done += (int)count;
                if (IsEndOfFile(count, offset + done))
                {
                    span[done..].Clear();
                    break;
                }
            }
        }

        GC.KeepAlive(this);
    }

    public override void Write(long offset, IoVector vector) => Write(offset, vector, flags: 0);

    private protected override void WriteDurablyCore(long offset, IoVector vector)
    {
        if (!_cannotWriteDurably)
        {
            try
            {
                Write(offset, vector, DataDurably);
                return;
            }
            catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.NotSupported)
            {
                // The file system, or the kernel, does not know the flag; nothing was written.
                _cannotWriteDurably = true;
            }
        }

        base.WriteDurablyCore(offset, vector);
    }

    private void Write(long offset, IoVector vector, int flags)
    {
        CheckOpen();
        CheckRange(offset, vector.Length);
        Invariant.Check(!IsReadOnly);
        if (!vector.TryGetSingle(out Memory<byte> memory))
        {
            WriteSegments(offset, vector, flags);
            return;
        }

        Span<byte> span = memory.Span;
        int done = 0;
        fixed (byte* start = span)
        {
            while (done < span.Length)
            {
                IoPiece piece = new() { Start = start + done, LengthBytes = (nuint)(span.Length - done) };
                done += CheckWritten(flags == 0
                    ? FileNative.Write(_descriptor, piece.Start, piece.LengthBytes, offset + done)
                    : WriteVectorNow(_descriptor, &piece, 1, offset + done, flags));
            }
        }

        GC.KeepAlive(this);
    }

    [SkipLocalsInit]
    private void ReadSegments(long offset, IoVector vector)
    {
        IoPiece* segments = stackalloc IoPiece[IoVectorCountMax];
        int done = 0;
        while (done < vector.Length)
        {
            nint count;
            using (PinnedSegments pinned = new(vector.Slice(done, vector.Length - done), new Span<IoPiece>(segments, IoVectorCountMax), RequestAlignmentBytes))
            {
                count = ReadVector(_descriptor, segments, pinned.Count, offset + done);
            }

            if (count < 0)
            {
                ThrowUnlessInterrupted();
                continue;
            }

            done += (int)count;
            if (IsEndOfFile(count, offset + done))
            {
                vector.Slice(done, vector.Length - done).Fill(0);
                break;
            }
        }

        GC.KeepAlive(this);
    }

    [SkipLocalsInit]
    private void WriteSegments(long offset, IoVector vector, int flags)
    {
        IoPiece* segments = stackalloc IoPiece[IoVectorCountMax];
        int done = 0;
        while (done < vector.Length)
        {
            nint count;
            using (PinnedSegments pinned = new(vector.Slice(done, vector.Length - done), new Span<IoPiece>(segments, IoVectorCountMax), RequestAlignmentBytes))
            {
                count = flags == 0
                    ? WriteVector(_descriptor, segments, pinned.Count, offset + done)
                    : WriteVectorNow(_descriptor, segments, pinned.Count, offset + done, flags);
            }

            done += CheckWritten(count);
        }

        GC.KeepAlive(this);
    }

    // A direct read that came back with less than whole blocks has met the end of the file, as a rule; asking on from there
    // is refused as unaligned by some file systems (ext4 answers 0). Where the rule fails, a refusal is better than zeros that are not there.
    private bool IsEndOfFile(nint count, long end) => count == 0 || ((end & (RequestAlignmentBytes - 1)) != 0 && end >= GetLengthBytes());

    private static int CheckWritten(nint count)
    {
        if (count > 0)
        {
            return (int)count;
        }

        if (count == 0)
        {
            throw new BlockException(BlockErrorKind.InputOutput, BlockErrorKind.InputOutput.ToErrnoText());
        }

        ThrowUnlessInterrupted();
        return 0;
    }
}
