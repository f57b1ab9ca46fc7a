using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>What one child does in a round: its buffer, and how its part of the request ended.</summary>
internal sealed class QuorumLeg
{
    private readonly QuorumRound _round;
    private readonly Action _onDone;
    private ValueTaskAwaiter _task;
    private Memory<byte> _buffer;
    private int _bufferAlignmentBytes;

    public QuorumLeg(QuorumRound round)
    {
        _round = round;
        _onDone = OnDone;
    }

    /// <summary>The child. It is the round's for one request.</summary>
    public BlockChild Child { get; private set; } = null!;

    /// <summary>What the child's storage failed with; null where it succeeded, or has not been asked.</summary>
    public BlockException? Error { get; private set; }

    /// <summary>What ended it otherwise: a cancellation, or a bug.</summary>
    public Exception? Fatal { get; private set; }

    /// <summary>Which version of the bytes the child gave: the number of the first leg that gave the same; -1 for none.</summary>
    public int Version { get; set; }

    /// <summary>The bytes that the child gave.</summary>
    public Memory<byte> Bytes { get; private set; }

    /// <summary>True where the child ends before what was asked of it does: what it seems to hold there is nothing that was written.</summary>
    public bool IsShort { get; private set; }

    /// <summary>Takes the leg for a request.</summary>
    public void Begin(BlockChild child)
    {
        Child = child;
        Error = null;
        Fatal = null;
        Version = -1;
    }

    /// <summary>Asks the child; the round hears when it is done, perhaps at once.</summary>
    public void Issue(in QuorumRequest request, BlockNode quorum)
    {
        Error = null;
        IsShort = Child.LengthBytes < Math.Min(request.Offset + request.LengthBytes, quorum.LengthBytes);
        try
        {
            Await(request.Issue(this, quorum.Limits.MemoryAlignmentBytes));
        }
        catch (Exception error)
        {
            // A driver may throw at once; the other children are under way all the same.
            End(error);
        }
    }

    /// <summary>Makes room for <paramref name="lengthBytes"/> at an address that every child takes.</summary>
    public Memory<byte> Reserve(int lengthBytes, int alignmentBytes)
    {
        if (_buffer.Length < lengthBytes || _bufferAlignmentBytes < alignmentBytes)
        {
            _buffer = AlignedBuffer.Allocate(lengthBytes, alignmentBytes);
            _bufferAlignmentBytes = alignmentBytes;
        }

        return Bytes = _buffer[..lengthBytes];
    }

    /// <summary>Lets go of a buffer that is longer than <paramref name="bytesMax"/>.</summary>
    public void Trim(int bytesMax)
    {
        Bytes = default;
        if (_buffer.Length > bytesMax)
        {
            _buffer = default;
            _bufferAlignmentBytes = 0;
        }
    }

    private void Await(in ValueTask task)
    {
        _task = task.GetAwaiter();
        if (_task.IsCompleted)
        {
            OnDone();
        }
        else
        {
            _task.UnsafeOnCompleted(_onDone);
        }
    }

    private void OnDone()
    {
        Exception? error = null;
        try
        {
            _task.GetResult();
        }
        catch (Exception failure)
        {
            error = failure;
        }

        _task = default;
        End(error);
    }

    private void End(Exception? error)
    {
        Error = error as BlockException;
        Fatal = Error is null ? error : null;

        // The round may be another request's when this returns.
        _round.OnLegDone(this);
    }
}
