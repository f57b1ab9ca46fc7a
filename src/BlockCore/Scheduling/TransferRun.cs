using System.Buffers;
using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// Transfers of one file and kind whose ranges follow each other: one call moves them all. What one call does not move completely, for an error or because
/// the file ends, is carried out again, each transfer by itself, so that each has its own result.
/// </summary>
/// <remarks>
/// Life: rented by a <see cref="TransferQueue"/>, filled, sent its way; then, at home, it is free again and its transfers complete. While it is on its
/// way it is nobody's but the way's.
/// </remarks>
internal sealed unsafe class TransferRun(TransferQueue owner) : AioWork, IWorkerWork
{
    /// <summary>The most pieces of memory that one call takes.</summary>
    public const int PieceCountMax = 1024;

    /// <summary>A run does not grow beyond this: longer ones would only keep their first transfers waiting.</summary>
    private const int LengthBytesMax = 1 << 20;

    private IoPiece[] _pieces = GC.AllocateArray<IoPiece>(16, pinned: true);
    private MemoryHandle[] _pins = new MemoryHandle[16];
    private int _pinCount;
    private HostTransfer _last = null!;

    /// <summary>The first transfer; the others follow it.</summary>
    public HostTransfer First { get; private set; } = null!;

    /// <summary>How many transfers there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whose bytes they are.</summary>
    public HostFile File { get; private set; } = null!;

    /// <summary>A read, a write or a flush.</summary>
    public RequestKind Kind { get; private set; }

    /// <summary>Where the first begins, in bytes.</summary>
    public long Offset { get; private set; }

    /// <summary>The lengths of all together.</summary>
    public int LengthBytes { get; private set; }

    /// <summary>True for a write that is durable when it completes.</summary>
    public bool IsDurable => First.IsDurable;

    /// <summary>The run that goes the same way behind this one, on the same worker.</summary>
    public TransferRun? NextRun { get; set; }

    /// <summary>Its number while it is in a ring or a kernel queue.</summary>
    public int Ticket { get; set; }

    /// <summary>How many bytes the call has moved, or the negated errno of its failure.</summary>
    public long Result { get; set; }

    /// <summary>True where <see cref="Result"/> is that of the call for all: false while each transfer keeps its own.</summary>
    public bool IsJoint { get; set; }

    /// <summary>True where one call has failed to move it all: each transfer is carried out by itself.</summary>
    public bool MustSplit { get; set; }

    /// <summary>The pieces of memory, while they are pinned.</summary>
    public IoPiece* Pieces => (IoPiece*)Unsafe.AsPointer(ref _pieces[0]);

    /// <summary>How many pieces are pinned; neighbours in memory are one.</summary>
    public int PieceCount { get; private set; }

    /// <inheritdoc/>
    public AioContext Context => owner.Context;

    /// <summary>Begins a run with <paramref name="transfer"/>.</summary>
    public void Start(HostTransfer transfer)
    {
        First = transfer;
        _last = transfer;
        Count = 1;
        File = transfer.File;
        Kind = transfer.Kind;
        Offset = transfer.Offset;
        LengthBytes = transfer.Buffer.Length;
        NextRun = null;
        IsJoint = false;
        MustSplit = false;
    }

    /// <summary>Adds a transfer that goes on where the run ends; false where it does not.</summary>
    public bool TryAppend(HostTransfer transfer)
    {
        if (transfer.IsAlone || First.IsAlone || !ReferenceEquals(transfer.File, File) || transfer.Kind != Kind
            || transfer.Offset != Offset + LengthBytes || LengthBytes + transfer.Buffer.Length > LengthBytesMax)
        {
            return false;
        }

        _last.NextTransfer = transfer;
        _last = transfer;
        Count++;
        LengthBytes += transfer.Buffer.Length;
        return true;
    }

    /// <summary>Holds the memory of all transfers in place and lists it. False where there are too many pieces, or where the file's device would not take them as they lie.</summary>
    public bool TryPin()
    {
        Invariant.Check(_pinCount == 0);
        PieceCount = 0;
        nuint misalignment = 0;
        for (HostTransfer? transfer = First; transfer is not null; transfer = transfer.NextTransfer)
        {
            if (transfer.Buffer.TryGetSingle(out Memory<byte> memory))
            {
                misalignment |= Pin(memory);
                continue;
            }

            foreach (Memory<byte> segment in transfer.Buffer)
            {
                if (_pinCount >= PieceCountMax)
                {
                    Unpin();
                    return false;
                }

                misalignment |= Pin(segment);
            }
        }

        if (_pinCount > PieceCountMax)
        {
            Unpin();
            return false;
        }

        if (!File.IsDirect || (misalignment & (nuint)(File.MemoryAlignmentBytes - 1)) == 0)
        {
            return true;
        }

        Unpin();
        return false;
    }

    /// <summary>Lets go of the memory.</summary>
    public void Unpin()
    {
        for (int i = 0; i < _pinCount; i++)
        {
            _pins[i].Dispose();
            _pins[i] = default;
        }

        _pinCount = 0;
    }

    /// <summary>Carries the run out on the calling thread, and those behind it; it may block.</summary>
    public void ExecuteOnWorker()
    {
        for (TransferRun? run = this; run is not null; run = run.NextRun)
        {
            run.CarryOut();
        }
    }

    /// <summary>Carries this run alone out on the calling thread; it may block.</summary>
    public void CarryOut()
    {
        IsJoint = Count > 1 && !MustSplit && File.TryTransfer(this, mayWait: true);
        if (IsJoint)
        {
            Result = LengthBytes;
            return;
        }

        for (HostTransfer? transfer = First; transfer is not null; transfer = transfer.NextTransfer)
        {
            transfer.ExecuteOnWorker();
        }
    }

    /// <inheritdoc/>
    protected internal override void Run()
    {
        TransferRun? run = this;
        while (run is not null)
        {
            // Read first: a run that is complete may be in use again.
            TransferRun? next = run.NextRun;
            run.Finish();
            run = next;
        }
    }

    /// <summary>At home: the transfers complete, or, where one call could not move them all, go on one by one.</summary>
    private void Finish()
    {
        Unpin();
        if (IsJoint && Result != LengthBytes)
        {
            IsJoint = false;
            MustSplit = true;
            NextRun = null;
            owner.CarryOutSlowly(this);
            return;
        }

        HostTransfer? transfer = First;
        owner.Free(this);
        while (transfer is not null)
        {
            HostTransfer? next = transfer.NextTransfer;
            transfer.Run();
            transfer = next;
        }
    }

    // What keeps the piece from being aligned: bits of its address and of its length.
    private nuint Pin(Memory<byte> segment)
    {
        if (_pinCount == _pins.Length)
        {
            Array.Resize(ref _pins, _pins.Length * 2);
        }

        MemoryHandle pin = segment.Pin();
        _pins[_pinCount++] = pin;
        byte* start = (byte*)pin.Pointer;
        nuint misalignment = (nuint)start | (nuint)segment.Length;
        if (PieceCount > 0)
        {
            ref IoPiece last = ref _pieces[PieceCount - 1];
            if (last.Start + last.LengthBytes == start)
            {
                last.LengthBytes += (nuint)segment.Length;
                return misalignment;
            }
        }

        if (PieceCount == _pieces.Length)
        {
            IoPiece[] more = GC.AllocateArray<IoPiece>(_pieces.Length * 2, pinned: true);
            _pieces.CopyTo(more, 0);
            _pieces = more;
        }

        _pieces[PieceCount++] = new IoPiece { Start = start, LengthBytes = (nuint)segment.Length };
        return misalignment;
    }
}
