using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.RingNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>
/// One context's io_uring: runs of transfers go in, and their ends come out, with one entry into the kernel for all that a turn has begun and all that has
/// ended meanwhile. Made, used and closed at home. <i>QEMU: LuringState.</i>
/// </summary>
/// <remarks>
/// The kernel reads a submission when the ring is entered, so everything in it must stay until then; the memory of a run stays pinned until its completion was taken.
/// </remarks>
internal sealed unsafe class IoRing : IDisposable
{
    private const uint EntryCount = 256;

    // Completions beyond it wait in the kernel; none is lost.
    private const uint CompletionCountWanted = 4 * EntryCount;
    private const ulong WakeTag = ulong.MaxValue;

    private readonly int _descriptor;
    private readonly byte* _rings;
    private readonly nuint _ringBytes;
    private readonly Submission* _entries;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint* _submissionFlags;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly Completion* _completions;
    private readonly RingFiles _files;
    private readonly RunTickets _tickets = new();
    private uint _tail;
    private int _unsubmittedCount;
    private bool _isWakeArmed;

    private IoRing(int descriptor, in Parameters parameters, AioContext context)
    {
        _descriptor = descriptor;
        nuint submissionBytes = parameters.Submissions.Array + (parameters.SubmissionCount * sizeof(uint));
        nuint completionBytes = parameters.Completions.Entries + (parameters.CompletionCount * (nuint)sizeof(Completion));
        _ringBytes = nuint.Max(submissionBytes, completionBytes);
        _rings = Map(descriptor, _ringBytes, MapSubmissions);
        _entries = (Submission*)Map(descriptor, parameters.SubmissionCount * (nuint)sizeof(Submission), MapEntries);
        _submissionHead = (uint*)(_rings + parameters.Submissions.Head);
        _submissionTail = (uint*)(_rings + parameters.Submissions.Tail);
        _submissionFlags = (uint*)(_rings + parameters.Submissions.Flags);
        _submissionMask = *(uint*)(_rings + parameters.Submissions.Mask);
        _completionHead = (uint*)(_rings + parameters.Completions.Head);
        _completionTail = (uint*)(_rings + parameters.Completions.Tail);
        _completionMask = *(uint*)(_rings + parameters.Completions.Mask);
        _completions = (Completion*)(_rings + parameters.Completions.Entries);
        _tail = *_submissionTail;
        _files = new RingFiles(descriptor, context);

        // Entry n is always in place n: the indirection is not used.
        uint* array = (uint*)(_rings + parameters.Submissions.Array);
        for (uint i = 0; i <= _submissionMask; i++)
        {
            array[i] = i;
        }
    }

    /// <summary>How many runs are in the kernel, or on their way there.</summary>
    public int RunCount => _tickets.Count;

    /// <summary>True where the kernel has to be asked for what it has done.</summary>
    public bool IsActive => _tickets.Count > 0 || _unsubmittedCount > 0;

    // Positions wrap by design.
    private bool IsFull => unchecked(_tail - Volatile.Read(ref *_submissionHead)) > _submissionMask;

    /// <summary>A ring for the calling thread; null where the kernel has none, or none for us.</summary>
    /// <param name="context">Whose ring it is.</param>
    /// <param name="errno">Why there is none; 0 where there is one.</param>
    public static IoRing? TryOpen(PolledAioContext context, out int errno)
    {
        // Each kernel takes what it knows: 6.1, 5.19, 5.6.
        ReadOnlySpan<uint> wishes = context.HasOneThread
            ? [SetupSingleIssuer | SetupDeferWork | SetupFlagsWork, SetupCooperative | SetupFlagsWork, 0]
            : [SetupCooperative | SetupFlagsWork, 0];
        errno = LinuxErrno.NoSystemCall;
        foreach (uint wish in wishes)
        {
            Parameters parameters = new() { Flags = wish | SetupClamp | SetupCompletionCount, CompletionCount = CompletionCountWanted };
            int descriptor = (int)KernelNative.Call(KernelNative.RingSetup, (nint)EntryCount, (nint)(&parameters), 0, 0, 0, 0);
            if (descriptor < 0)
            {
                errno = LinuxErrno.Last;
                if (errno == LinuxErrno.Invalid)
                {
                    continue;
                }

                return null;
            }

            if (!HasNeeded(parameters))
            {
                _ = LoopNative.Close(descriptor);
                errno = LinuxErrno.NoSystemCall;
                return null;
            }

            errno = 0;
            return new IoRing(descriptor, parameters, context);
        }

        return null;
    }

    /// <summary>Why the calling thread cannot have a ring: an errno, or 0 where it can.</summary>
    public static int Probe()
    {
        Parameters parameters = default;
        int descriptor = (int)KernelNative.Call(KernelNative.RingSetup, 1, (nint)(&parameters), 0, 0, 0, 0);
        if (descriptor < 0)
        {
            return LinuxErrno.Last;
        }

        _ = LoopNative.Close(descriptor);
        return HasNeeded(parameters) ? 0 : LinuxErrno.NoSystemCall;
    }

    /// <summary>Takes a pinned run on: the next entry into the kernel begins it.</summary>
    public void Add(TransferRun run)
    {
        LinuxHostFile file = (LinuxHostFile)run.File;
        bool isRead = run.Kind == RequestKind.Read;
        bool isPlain = run.PieceCount == 1;
        int slot = _files.SlotOf(file);
        *NextEntry() = new Submission
        {
            Operation = isPlain ? (isRead ? Read : Write) : isRead ? ReadVector : WriteVector,
            Flags = slot >= 0 ? FileIsRegistered : (byte)0,
            File = slot >= 0 ? slot : file.Descriptor,
            Offset = run.Offset,
            Address = isPlain ? (nuint)run.Pieces->Start : (nuint)run.Pieces,
            Length = isPlain ? (uint)run.Pieces->LengthBytes : (uint)run.PieceCount,
            OperationFlags = run.IsDurable ? FileNative.DataDurably : 0u,
            Tag = (ulong)_tickets.Take(run),
        };
    }

    /// <summary>Asks to be told, by an end of a wait, when <paramref name="descriptor"/> is readable.</summary>
    public void ArmWake(int descriptor)
    {
        if (_isWakeArmed)
        {
            return;
        }

        _isWakeArmed = true;
        *NextEntry() = new Submission { Operation = PollOnce, File = descriptor, OperationFlags = LoopNative.PollIn, Tag = WakeTag };
    }

    /// <summary>From now on every end is told of by the event descriptor <paramref name="eventDescriptor"/>, too.</summary>
    public void TellBy(int eventDescriptor)
    {
        nint result = KernelNative.Call(KernelNative.RingRegister, _descriptor, (nint)RegisterEventDescriptor, (nint)(&eventDescriptor), 1, 0, 0);
        Invariant.Check(result == 0);
    }

    /// <summary>True where an entry into the kernel would find something to do.</summary>
    public bool HasNews => _unsubmittedCount > 0
        || Volatile.Read(ref *_completionTail) != *_completionHead
        || (Volatile.Read(ref *_submissionFlags) & (SubmissionHasWork | SubmissionHasOverflow)) != 0;

    /// <summary>
    /// Begins what was added, waits for an end of anything or <paramref name="timeoutNs"/> nanoseconds (-1: for ever, 0: not at all), and queues what has ended.
    /// Returns true where the descriptor of <see cref="ArmWake"/> has become readable.
    /// </summary>
    public bool Enter(long timeoutNs, AioContext context)
    {
        LoopNative.TimeSpec timeout = new() { Seconds = timeoutNs / 1_000_000_000, Nanoseconds = timeoutNs % 1_000_000_000 };
        WaitArgument wait = new() { Timeout = timeoutNs < 0 ? null : &timeout };
        uint wanted = timeoutNs == 0 || Volatile.Read(ref *_completionTail) != *_completionHead ? 0u : 1u;
        Publish();
        nint result = KernelNative.Call(
            KernelNative.RingEnter, _descriptor, _unsubmittedCount, (nint)wanted, (nint)(EnterGetEvents | EnterHasWaitArgument), (nint)(&wait), sizeof(WaitArgument));
        TakeSubmitted(result);
        return Harvest(context);
    }

    public void Dispose()
    {
        Invariant.Check(_tickets.Count == 0);
        _files.Dispose();
        _ = KernelNative.Unmap(_entries, (_submissionMask + 1) * (nuint)sizeof(Submission));
        _ = KernelNative.Unmap(_rings, _ringBytes);
        _ = LoopNative.Close(_descriptor);
    }

    // From 5.11 on.
    private static bool HasNeeded(in Parameters parameters)
    {
        const uint Needed = FeatureSingleMap | FeatureNoDrop | FeatureWaitArgument;
        return (parameters.Features & Needed) == Needed;
    }

    private static byte* Map(int descriptor, nuint lengthBytes, long offset)
    {
        void* address = KernelNative.Map(null, lengthBytes, MapReadWrite, MapSharedPopulate, descriptor, offset);
        Invariant.Check((nint)address != -1);
        return (byte*)address;
    }

    // Where all entries are taken, the kernel takes them over.
    private Submission* NextEntry()
    {
        if (IsFull)
        {
            Publish();
            TakeSubmitted(KernelNative.Call(KernelNative.RingEnter, _descriptor, _unsubmittedCount, 0, 0, 0, 0));
            Invariant.Check(!IsFull);
        }

        Submission* entry = _entries + (_tail & _submissionMask);
        _tail = unchecked(_tail + 1);
        _unsubmittedCount++;
        return entry;
    }

    private void Publish() => Volatile.Write(ref *_submissionTail, _tail);

    // A refusal (interrupted, out of memory, too many completions waiting) leaves the rest for the next entry.
    private void TakeSubmitted(nint result)
    {
        if (result > 0)
        {
            _unsubmittedCount -= (int)result;
        }
    }

    private bool Harvest(AioContext context)
    {
        bool isAwake = false;
        uint head = *_completionHead;
        uint tail = Volatile.Read(ref *_completionTail);
        for (; head != tail; head = unchecked(head + 1))
        {
            ref readonly Completion completion = ref _completions[head & _completionMask];
            if (completion.Tag == WakeTag)
            {
                _isWakeArmed = false;
                isAwake = true;
                continue;
            }

            TransferRun run = _tickets.Return((int)completion.Tag);
            run.Result = completion.Result;
            context.Ready(run);
        }

        Volatile.Write(ref *_completionHead, head);
        return isAwake;
    }
}
