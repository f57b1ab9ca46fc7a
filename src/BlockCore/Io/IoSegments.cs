using System.Buffers;

namespace BlockGraph.BlockCore.Io;

/// <summary>
/// Several pieces of memory that an <see cref="IoVector"/> shows as one. It lives as long as any vector over it is in use;
/// it owns none of the pieces.
/// </summary>
public sealed class IoSegments : MemoryManager<byte>
{
    private readonly Memory<byte>[] _parts;
    private readonly int _length;

    /// <summary>Shows <paramref name="parts"/>, in their order, as one range. Their lengths together must fit an int.</summary>
    public IoSegments(params Memory<byte>[] parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        _parts = parts;
        foreach (Memory<byte> part in parts)
        {
            _length += part.Length;
        }
    }

    /// <summary>How many pieces there are.</summary>
    public int Count => _parts.Length;

    /// <inheritdoc/>
    public override Memory<byte> Memory => CreateMemory(_length);

    /// <summary>The piece at <paramref name="index"/>.</summary>
    public Memory<byte> this[int index] => _parts[index];

    /// <summary>Not possible: several pieces have no single span. Enumerate the <see cref="IoVector"/> instead.</summary>
    public override Span<byte> GetSpan() => throw new InvalidOperationException("several segments have no single span");

    /// <summary>Not possible: pin the pieces one by one.</summary>
    public override MemoryHandle Pin(int elementIndex = 0) => throw new InvalidOperationException("several segments are pinned one by one");

    /// <summary>Nothing to unpin.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Nothing is owned.</summary>
    protected override void Dispose(bool disposing)
    {
    }
}
