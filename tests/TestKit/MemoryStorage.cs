using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit;

/// <summary>The bytes of one image in memory, and what happened to them. They outlive the nodes that have them open.</summary>
public sealed class MemoryStorage(int lengthBytes)
{
    // What a file system calls too large; a test has no such file.
    private const long LengthBytesMax = 1 << 30;

    private BlockErrorKind? _fault;
    private RequestKind _faultKind;

    /// <summary>The bytes. The array is another one after a change of length.</summary>
    public byte[] Bytes { get; private set; } = new byte[lengthBytes];

    /// <summary>The requests, in order of taking effect.</summary>
    public List<MemoryRequest> Log { get; } = [];

    /// <summary>How many nodes have it open.</summary>
    public int OpenCount { get; set; }

    /// <summary>Fails every request of <paramref name="kind"/> with <paramref name="error"/> until it is null.</summary>
    public void FailWith(RequestKind kind, BlockErrorKind? error)
    {
        _faultKind = kind;
        _fault = error;
    }

    /// <summary>Holds <paramref name="bytes"/> from now on, and nothing else. No node has it open.</summary>
    public void Replace(byte[] bytes) => Bytes = bytes;

    internal void Resize(int length)
    {
        byte[] bytes = Bytes;
        Array.Resize(ref bytes, length);
        Bytes = bytes;
    }

    /// <summary>What lies beyond the end reads as zeros.</summary>
    internal void CopyTo(IoVector buffer, long offset)
    {
        int inside = (int)Math.Clamp(Bytes.Length - offset, 0, buffer.Length);
        buffer.Slice(0, inside).CopyFrom(Bytes.AsSpan((int)Math.Min(offset, Bytes.Length), inside));
        buffer.Slice(inside, buffer.Length - inside).Fill(0);
    }

    /// <summary>What lies beyond the end makes it longer.</summary>
    internal void CopyFrom(IoVector buffer, long offset)
    {
        if (offset + buffer.Length > Bytes.Length)
        {
            Grow(offset + buffer.Length);
        }

        buffer.CopyTo(Bytes.AsSpan((int)offset));
    }

    internal void Clear(long offset, long length)
    {
        if (offset < Bytes.Length)
        {
            Bytes.AsSpan((int)offset, (int)Math.Min(length, Bytes.Length - offset)).Clear();
        }
    }

    /// <summary>What lies beyond the end makes it longer.</summary>
    internal void Zero(long offset, long length)
    {
        Clear(offset, length);
        if (offset + length > Bytes.Length)
        {
            Grow(offset + length);
        }
    }

    private void Grow(long length)
    {
        if (length > LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, BlockErrorKind.TooLarge.ToErrnoText());
        }

        Resize((int)length);
    }

    internal void ThrowIfFaulty(RequestKind kind)
    {
        if (_fault is { } error && kind == _faultKind)
        {
            throw new BlockException(error, error.ToErrnoText());
        }
    }
}

/// <summary>One request that reached a <see cref="MemoryStorage"/>.</summary>
public sealed record MemoryRequest(RequestKind Kind, long Offset, long LengthBytes, RequestFlags Flags);
