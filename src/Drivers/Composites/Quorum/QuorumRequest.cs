using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>What a quorum asks of each of its children.</summary>
internal readonly struct QuorumRequest
{
    private const int SectorBytes = 512;

    private readonly RequestFlags _flags;
    private readonly CancellationToken _cancel;

    private QuorumRequest(RequestKind kind, long offset, long lengthBytes, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        Kind = kind;
        Offset = offset;
        LengthBytes = lengthBytes;
        Buffer = buffer;
        _flags = flags;
        _cancel = cancel;
    }

    /// <summary>What it does.</summary>
    public RequestKind Kind { get; }

    /// <summary>Where, in bytes.</summary>
    public long Offset { get; }

    /// <summary>Its length.</summary>
    public long LengthBytes { get; }

    /// <summary>The caller's memory: what is written, or where what is read goes in the end.</summary>
    public IoVector Buffer { get; }

    /// <summary>True where each child reads into the caller's memory, one after another.</summary>
    public bool ReadsInPlace { get; private init; }

    /// <summary>What it is called in events.</summary>
    public QuorumOperation Operation => Kind switch
    {
        RequestKind.Read => QuorumOperation.Read,
        RequestKind.Flush => QuorumOperation.Flush,
        _ => QuorumOperation.Write,
    };

    /// <summary>The first sector that it touches.</summary>
    public long SectorNumber => Offset / SectorBytes;

    /// <summary>How many sectors it touches.</summary>
    public long SectorCount => LengthBytes == 0 ? 0 : ((Offset + LengthBytes - 1) / SectorBytes) - SectorNumber + 1;

    /// <summary>Reads, each child into a buffer of its leg's own, or into the caller's.</summary>
    public static QuorumRequest Read(long offset, IoVector buffer, bool isInPlace, CancellationToken cancel) =>
        new(RequestKind.Read, offset, buffer.Length, buffer, RequestFlags.None, cancel) { ReadsInPlace = isInPlace };

    /// <summary>Writes the same to every child. It is not cancelled: the children would differ.</summary>
    public static QuorumRequest Write(long offset, IoVector buffer, RequestFlags flags) =>
        new(RequestKind.Write, offset, buffer.Length, buffer, flags, CancellationToken.None);

    /// <summary>Zeroes the same of every child. It is not cancelled either.</summary>
    public static QuorumRequest WriteZeroes(long offset, long lengthBytes, RequestFlags flags) =>
        new(RequestKind.WriteZeroes, offset, lengthBytes, default, flags, CancellationToken.None);

    /// <summary>Flushes every child.</summary>
    public static QuorumRequest Flush(CancellationToken cancel) => new(RequestKind.Flush, 0, 0, default, RequestFlags.None, cancel);

    /// <summary>Asks it of the child of <paramref name="leg"/>.</summary>
    public ValueTask Issue(QuorumLeg leg, int memoryAlignmentBytes) => Kind switch
    {
        RequestKind.Read when ReadsInPlace && leg.IsShort => ValueTask.FromException(new BlockException(BlockErrorKind.InputOutput, $"Node '{leg.Child.Node.Name}' ends at {leg.Child.LengthBytes}")),
        RequestKind.Read => leg.Child.ReadAsync(Offset, ReadsInPlace ? Buffer : leg.Reserve((int)LengthBytes, memoryAlignmentBytes), RequestFlags.None, _cancel),
        RequestKind.Write => leg.Child.WriteAsync(Offset, Buffer, _flags, _cancel),
        RequestKind.WriteZeroes => leg.Child.WriteZeroesAsync(Offset, LengthBytes, _flags, _cancel),
        _ => leg.Child.FlushAsync(_cancel),
    };
}
