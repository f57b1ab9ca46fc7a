using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>Gives a file another length, and what it grows by its space. Blocks; on a worker. Nobody else uses what lies between the two lengths.</summary>
internal static class FileLength
{
    /// <summary>How much is written at a time, in bytes: enough for a disk, and little beside an image.</summary>
    private const int PieceBytes = 1 << 20;

    private const int FirstBlockBytes = 4096;
    private const int SectorBytes = 512;

    /// <summary>How long an image of <paramref name="lengthBytes"/> is: as long, or so many whole sectors, as the profile says.</summary>
    public static long WholeSectors(long lengthBytes, CompatibilityProfile profile) =>
        profile.FilesHaveWholeSectors && lengthBytes <= long.MaxValue - SectorBytes ? lengthBytes + (-lengthBytes & (SectorBytes - 1)) : lengthBytes;

    /// <summary>Cuts or extends <paramref name="file"/> to <paramref name="lengthBytes"/>.</summary>
    /// <exception cref="BlockException">It has the length that it had; the message says what failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, between two pieces of the space it was to take; it has the length that it had.</exception>
    public static void Change(OpenFile file, long lengthBytes, PreallocationMode preallocation, CancellationToken cancel)
    {
        long oldBytes = file.GetLengthBytes();
        if (preallocation != PreallocationMode.Off && lengthBytes < oldBytes)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, "Cannot use preallocation for shrinking files");
        }

        switch (preallocation)
        {
            case PreallocationMode.Off:
                Set(file, lengthBytes);
                if (oldBytes == 0)
                {
                    TakeFirstBlock(file, lengthBytes);
                }

                break;
            case PreallocationMode.Falloc:
                OrGoBack(file, oldBytes, "Could not preallocate new data: ", () => Allocate(file, oldBytes, lengthBytes, cancel));
                break;
            case PreallocationMode.Full:
                Set(file, lengthBytes);
                OrGoBack(file, oldBytes, "Could not write zeros for preallocation: ", () => Write(file, oldBytes, lengthBytes, cancel));
                break;
            default:
                throw preallocation.ToRefusal();
        }
    }

    // A file that begins with a hole does not tell which alignment its disk wants. Where there is no room the hole is as good.
    private static void TakeFirstBlock(OpenFile file, long lengthBytes)
    {
        int blockBytes = lengthBytes < FirstBlockBytes ? SectorBytes : FirstBlockBytes;
        if (lengthBytes < SectorBytes || file.IsBlockDevice)
        {
            return;
        }

        try
        {
            file.Write(0, AlignedBuffer.Allocate(blockBytes, file.MemoryAlignmentBytes));
        }
        catch (BlockException error) when (error.Kind is BlockErrorKind.NoSpace or BlockErrorKind.InvalidArgument)
        {
        }
    }

    private static void Set(OpenFile file, long lengthBytes)
    {
        try
        {
            file.SetLengthBytes(lengthBytes);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not resize file: ");
        }
    }

    private static void OrGoBack(OpenFile file, long oldBytes, string context, Action grow)
    {
        try
        {
            grow();
        }
        catch (OperationCanceledException)
        {
            file.SetLengthBytes(oldBytes);
            throw;
        }
        catch (BlockException error)
        {
            try
            {
                file.SetLengthBytes(oldBytes);
            }
            catch (BlockException second)
            {
                throw new BlockException(error.Kind, $"{context}{error.Message}; the file is longer now: {second.Message}", error);
            }

            throw error.Prefixed(context);
        }
    }

    // Where the system cannot take space without writing, it is written.
    private static void Allocate(OpenFile file, long oldBytes, long newBytes, CancellationToken cancel)
    {
        if (!file.TryAllocate(oldBytes, newBytes - oldBytes))
        {
            file.SetLengthBytes(newBytes);
            Write(file, oldBytes, newBytes, cancel);
        }
    }

    // Past the page cache only whole blocks are written: the block at the old end keeps what it holds, that at the new end is cut afterwards.
    private static void Write(OpenFile file, long oldBytes, long newBytes, CancellationToken cancel)
    {
        long mask = file.RequestAlignmentBytes - 1L;
        long start = oldBytes & ~mask;
        long end = (newBytes + mask) & ~mask;
        Memory<byte> piece = AlignedBuffer.Allocate((int)Math.Min(Math.Max(PieceBytes, file.RequestAlignmentBytes), end - start), file.MemoryAlignmentBytes);
        if (start < oldBytes)
        {
            file.Read(start, piece[..file.RequestAlignmentBytes]);
        }

        for (long at = start; at < end;)
        {
            cancel.ThrowIfCancellationRequested();
            int count = (int)Math.Min(piece.Length, end - at);
            file.Write(at, piece[..count]);
            at += count;
            piece.Span.Clear();
        }

        if (end > newBytes)
        {
            file.SetLengthBytes(newBytes);
        }
    }
}
