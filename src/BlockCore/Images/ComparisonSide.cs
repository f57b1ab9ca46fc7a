using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>One of the images that are compared: what is known from where the comparison is.</summary>
internal sealed class ComparisonSide(BlockBackend backend, string? name, BlockStatusQuery query)
{
    private const long QueryBytesMax = 1L << 30;

    private long _known;

    private string Name => name ?? backend.Root?.ShownFileName ?? backend.Description;

    /// <summary>Its length in bytes.</summary>
    public long LengthBytes { get; } = backend.LengthBytes;

    /// <summary>What memory for it is aligned to, in bytes.</summary>
    public int MemoryAlignmentBytes => backend.Root?.Limits.MemoryAlignmentBytes ?? 1;

    /// <summary>It reads as zeros, from where it was looked at last up to <see cref="KnownEnd"/>.</summary>
    public bool IsZero { get; private set; }

    /// <summary>It is allocated there, in any layer.</summary>
    public bool IsAllocated { get; private set; }

    /// <summary>All that the driver has said of it.</summary>
    public BlockStatusFlags Flags { get; private set; }

    /// <summary>How far that holds.</summary>
    public long KnownEnd => _known;

    /// <summary>Looks what is at <paramref name="offset"/>, which lies inside.</summary>
    public async ValueTask LookAsync(long offset, CancellationToken cancel)
    {
        if (offset < _known)
        {
            return;
        }

        try
        {
            BlockStatus status = (await backend.GetStatusAboveAsync(
                offset, Math.Min(LengthBytes - offset, QueryBytesMax), null, includesBase: false, query, cancel)).Status;
            Flags = status.Flags;
            IsZero = status.IsZero;
            IsAllocated = status.IsAllocated;
            _known = offset + Math.Max(1, status.LengthBytes);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"{ImageComparison.StatusFailureText} for {Name}: ");
        }
    }

    /// <summary>Reads.</summary>
    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        try
        {
            await backend.ReadAsync(offset, buffer, RequestFlags.None, cancel);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Error while reading offset {offset} of {Name}: ");
        }
    }
}
