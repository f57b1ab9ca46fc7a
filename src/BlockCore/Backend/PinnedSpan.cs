using System.Buffers;

namespace BlockGraph.BlockCore.Backend;

/// <summary>Memory of a caller who keeps it in place and waits: requests may use it until it is disposed, and nobody afterwards.</summary>
/// <param name="start">Its first byte, pinned by the caller for as long as this lives.</param>
/// <param name="length">How many bytes.</param>
internal sealed unsafe class PinnedSpan(byte* start, int length) : MemoryManager<byte>
{
    private bool _isDisposed;

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new Span<byte>(start, length);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        return new MemoryHandle(start + elementIndex);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // The caller unpins it.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _isDisposed = true;
}
