using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Copies from file to file within the kernel; a file system that shares blocks copies none.</summary>
internal sealed unsafe partial class LinuxHostFile
{
    private const int CopyBytesMax = 1 << 30;
    private const int BufferBytes = 1 << 16;

    public override bool TryCopyRange(HostFile source, long sourceOffset, long offset, long lengthBytes)
    {
        CheckChange(offset, lengthBytes);
        CheckRange(sourceOffset, lengthBytes);
        if (source is not LinuxHostFile from)
        {
            return lengthBytes == 0;
        }

        from.CheckOpen();
        long done = 0;
        while (done < lengthBytes)
        {
            nint copied = CopySome(from, sourceOffset + done, offset + done, lengthBytes - done);
            if (copied > 0)
            {
                done += copied;
            }
            else if (done == 0)
            {
                return false;
            }
            else
            {
                // The source ends here, or the system has thought better of it: the rest goes by hand, so that all of it has happened.
                CopyByHand(from, sourceOffset + done, offset + done, lengthBytes - done);
                done = lengthBytes;
            }
        }

        GC.KeepAlive(this);
        GC.KeepAlive(from);
        return true;
    }

    // How much was copied; 0 where the system cannot, or the source ends.
    private nint CopySome(LinuxHostFile from, long sourceOffset, long offset, long lengthBytes)
    {
        while (true)
        {
            nint copied = CopyRange(from._descriptor, &sourceOffset, _descriptor, &offset, (nuint)long.Min(lengthBytes, CopyBytesMax), 0);
            if (copied >= 0)
            {
                return copied;
            }

            // A system without the call, two file systems that do not know each other, a device, ranges that overlap.
            if (LinuxErrno.Last is LinuxErrno.NoSystemCall or LinuxErrno.NotSupported or LinuxErrno.OtherFileSystem or LinuxErrno.Invalid or LinuxErrno.NotPermitted)
            {
                return 0;
            }

            ThrowUnlessInterrupted();
        }
    }

    private void CopyByHand(LinuxHostFile from, long sourceOffset, long offset, long lengthBytes)
    {
        int alignment = int.Max(MemoryAlignmentBytes, from.MemoryAlignmentBytes);
        Memory<byte> buffer = AlignedBuffer.Allocate((int)long.Min(lengthBytes, BufferBytes), alignment);
        for (long done = 0; done < lengthBytes;)
        {
            int step = (int)long.Min(lengthBytes - done, buffer.Length);
            from.Read(sourceOffset + done, buffer[..step]);
            Write(offset + done, buffer[..step]);
            done += step;
        }
    }
}
