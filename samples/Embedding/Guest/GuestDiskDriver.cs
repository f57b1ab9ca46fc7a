using BlockGraph.Samples.Embedding.Device;

namespace BlockGraph.Samples.Embedding.Guest;

/// <summary>The guest's side of the rings: what a driver in the guest's kernel does. It knows registers and memory, and no block layer. Runs on the processor.</summary>
public sealed class GuestDiskDriver(Machine machine, DiskController disk, int ringAddress)
{
    /// <summary>Bytes of a block; each command carries one.</summary>
    public const int BlockBytes = 4096;

    private const int CompletionsAddress = DiskController.RingLength * DiskCommand.Size;
    private const int BuffersAddress = CompletionsAddress + DiskController.RingLength * DiskCompletion.Size;

    /// <summary>How much memory the driver of one disk uses, in bytes.</summary>
    public const int MemoryBytes = BuffersAddress + DiskController.RingLength * BlockBytes;

    private readonly Memory<byte> _memory = machine.Memory.Slice(ringAddress, MemoryBytes);
    private long _submittedCount;
    private long _seenCount;

    /// <summary>The disk's length in bytes, as the guest sees it.</summary>
    public long LengthBytes => disk.Read(DiskRegister.LengthBytes);

    /// <summary>Commands that ended otherwise than well.</summary>
    public int FailedCount { get; private set; }

    /// <summary>Writes blocks full of one value.</summary>
    public void Write(long firstBlock, int count, byte value)
    {
        for (int i = 0; i < count; i++)
        {
            Buffer(_submittedCount).Span.Fill(value);
            Submit(DiskCommandKind.Write, (firstBlock + i) * BlockBytes, BlockBytes);
        }

        Ring();
        WaitForAll();
    }

    /// <summary>True where blocks are full of one value.</summary>
    public bool Shows(long firstBlock, int count, byte value)
    {
        long first = _submittedCount;
        for (int i = 0; i < count; i++)
        {
            Submit(DiskCommandKind.Read, (firstBlock + i) * BlockBytes, BlockBytes);
        }

        Ring();
        int failedCount = FailedCount;
        WaitForAll();
        return FailedCount == failedCount && Enumerable.Range(0, count).All(i => Buffer(first + i).Span.IndexOfAnyExcept(value) < 0);
    }

    /// <summary>One command without a buffer: a flush, a discard, zeroes.</summary>
    public void Do(DiskCommandKind kind, long firstBlock = 0, int count = 0)
    {
        Submit(kind, firstBlock * BlockBytes, (long)count * BlockBytes);
        Ring();
        WaitForAll();
    }

    /// <summary>Waits until the state register says <paramref name="states"/>.</summary>
    public void WaitForState(DiskStates states) => WaitUntil(() => ((DiskStates)disk.Read(DiskRegister.State) & states) == states);

    /// <summary>Waits until the disk is at least so long, in bytes.</summary>
    public void WaitForLength(long lengthBytes) => WaitUntil(() => LengthBytes >= lengthBytes);

    /// <summary>Lets the disk go when somebody asks for it: flushed, and not touched again.</summary>
    public void ReleaseWhenAsked()
    {
        WaitForState(DiskStates.IsReleaseWanted);
        Do(DiskCommandKind.Flush);
        disk.Write(DiskRegister.Release, 1);
    }

    private void Submit(DiskCommandKind kind, long offsetBytes, long lengthBytes)
    {
        int slot = (int)(_submittedCount % DiskController.RingLength);
        DiskCommand command = new(kind, (uint)slot, offsetBytes, lengthBytes, ringAddress + BuffersAddress + (slot * BlockBytes));
        command.WriteTo(_memory.Span.Slice(slot * DiskCommand.Size, DiskCommand.Size));
        _submittedCount++;
    }

    private void Ring()
    {
        machine.Processor.Step();
        disk.Write(DiskRegister.SubmittedCount, _submittedCount);
    }

    // Every change of a register raises the line: whoever looks, and then sleeps, misses none.
    private void WaitUntil(Func<bool> isTrue)
    {
        while (!isTrue())
        {
            disk.Interrupt.WaitAndLower();
            machine.Processor.Step();
        }
    }

    private void WaitForAll()
    {
        while (_seenCount < _submittedCount)
        {
            WaitUntil(() => _seenCount < disk.Read(DiskRegister.CompletedCount));
            int slot = (int)(_seenCount % DiskController.RingLength);
            DiskCompletion completion = DiskCompletion.ReadFrom(_memory.Span.Slice(CompletionsAddress + (slot * DiskCompletion.Size), DiskCompletion.Size));
            FailedCount += completion.Result == DiskResult.Done ? 0 : 1;
            _seenCount++;
        }
    }

    private Memory<byte> Buffer(long submission) =>
        _memory.Slice(BuffersAddress + ((int)(submission % DiskController.RingLength) * BlockBytes), BlockBytes);
}
