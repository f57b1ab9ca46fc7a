using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using Microsoft.Win32.SafeHandles;

namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>A regular file on <see cref="RandomAccess"/>: no direct access, no holes, no byte locks.</summary>
internal sealed class PortableHostFile : HostFile
{
    private readonly SafeFileHandle _handle;

    /// <summary>Takes <paramref name="handle"/> over.</summary>
    public PortableHostFile(SafeFileHandle handle, in HostFileOptions options)
        : base(options) => _handle = handle;

    public override void Read(long offset, IoVector vector)
    {
        CheckRange(offset, vector.Length);
        try
        {
            foreach (Memory<byte> segment in vector)
            {
                ReadSegment(offset, segment.Span);
                offset += segment.Length;
            }
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw PortableError.ToException(error);
        }
    }

    public override void Write(long offset, IoVector vector)
    {
        CheckRange(offset, vector.Length);
        Invariant.Check(!IsReadOnly);
        try
        {
            foreach (Memory<byte> segment in vector)
            {
                RandomAccess.Write(_handle, segment.Span, offset);
                offset += segment.Length;
            }
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw PortableError.ToException(error);
        }
    }

    public override long GetLengthBytes()
    {
        try
        {
            return RandomAccess.GetLength(_handle);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw PortableError.ToException(error);
        }
    }

    public override void SetLengthBytes(long lengthBytes)
    {
        CheckRange(0, lengthBytes);
        Invariant.Check(!IsReadOnly);
        try
        {
            RandomAccess.SetLength(_handle, lengthBytes);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw PortableError.ToException(error);
        }
    }

    public override bool TryPunchHole(long offset, long lengthBytes)
    {
        CheckRange(offset, lengthBytes);
        Invariant.Check(!IsReadOnly);
        return lengthBytes == 0;
    }

    public override bool TryZeroRange(long offset, long lengthBytes, bool mayUnmap)
    {
        CheckRange(offset, lengthBytes);
        Invariant.Check(!IsReadOnly);
        return lengthBytes == 0;
    }

    public override bool TryGetExtent(long offset, long lengthBytesMax, out bool isData, out long lengthBytes)
    {
        CheckRange(offset, lengthBytesMax);
        Invariant.Check(lengthBytesMax > 0);
        isData = true;
        lengthBytes = lengthBytesMax;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _handle.Dispose();
        }
    }

    private protected override void FlushCore()
    {
        try
        {
            RandomAccess.FlushToDisk(_handle);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw PortableError.ToException(error);
        }
    }

    private void ReadSegment(long offset, Span<byte> span)
    {
        while (span.Length > 0)
        {
            int count = RandomAccess.Read(_handle, span, offset);
            if (count == 0)
            {
                span.Clear();
                return;
            }

            span = span[count..];
            offset += count;
        }
    }
}
