using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Reads and writes: one call for one piece of memory, one call for up to 1024.</summary>
internal sealed unsafe partial class LinuxHostFile
{
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

    public override void Write(long offset, IoVector vector)
    {
        CheckOpen();
        CheckRange(offset, vector.Length);
        Invariant.Check(!IsReadOnly);
        if (!vector.TryGetSingle(out Memory<byte> memory))
        {
            WriteSegments(offset, vector);
            return;
        }

        Span<byte> span = memory.Span;
        int done = 0;
        fixed (byte* start = span)
        {
            while (done < span.Length)
            {
                done += CheckWritten(FileNative.Write(_descriptor, start + done, (nuint)(span.Length - done), offset + done));
            }
        }

        GC.KeepAlive(this);
    }

    [SkipLocalsInit]
    private void ReadSegments(long offset, IoVector vector)
    {
        Segment* segments = stackalloc Segment[IoVectorCountMax];
        int done = 0;
        while (done < vector.Length)
        {
            nint count;
            using (PinnedSegments pinned = new(vector.Slice(done, vector.Length - done), new Span<Segment>(segments, IoVectorCountMax), RequestAlignmentBytes))
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
    private void WriteSegments(long offset, IoVector vector)
    {
        Segment* segments = stackalloc Segment[IoVectorCountMax];
        int done = 0;
        while (done < vector.Length)
        {
            nint count;
            using (PinnedSegments pinned = new(vector.Slice(done, vector.Length - done), new Span<Segment>(segments, IoVectorCountMax), RequestAlignmentBytes))
            {
                count = WriteVector(_descriptor, segments, pinned.Count, offset + done);
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
