using System.Buffers;

namespace BlockGraph.BlockCore.Io;

/// <summary>
/// Memory that is not the runtime's: an emulator's guest memory, or a device's. It never moves, so that to pin it costs nothing, and drivers get its own address. An
/// <see cref="IoVector"/> takes it by itself, or as one of several pieces (<see cref="IoSegments"/>) beside any other memory.
/// </summary>
/// <remarks>It owns nothing: the memory must be there, at that address, for as long as a request or a vector uses it. Make one for a region and slice its <see cref="MemoryManager{T}.Memory"/>.</remarks>
public sealed unsafe class NativeSegment : MemoryManager<byte>
{
    private readonly byte* _start;

    /// <summary>Shows <paramref name="lengthBytes"/> bytes from <paramref name="address"/> on.</summary>
    public NativeSegment(nint address, int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        if (address == 0 && lengthBytes > 0)
        {
            throw new ArgumentNullException(nameof(address));
        }

        _start = (byte*)address;
        LengthBytes = lengthBytes;
    }

    /// <summary>Where it begins.</summary>
    public nint Address => (nint)_start;

    /// <summary>How long it is, in bytes.</summary>
    public int LengthBytes { get; }

    /// <inheritdoc/>
    public override Memory<byte> Memory => CreateMemory(LengthBytes);

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(_start, LengthBytes);

    /// <summary>The address itself: there is nothing to hold in place.</summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, LengthBytes);
        return new MemoryHandle(_start + elementIndex);
    }

    /// <summary>Nothing to let go of.</summary>
    public override void Unpin()
    {
    }

    /// <summary>Nothing is owned.</summary>
    protected override void Dispose(bool disposing)
    {
    }
}
