using static BlockGraph.BlockCore.Scheduling.Linux.RingNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>The files that a ring has registered: the kernel then need not look up, count and let go of the descriptor for each transfer. At home.</summary>
internal sealed unsafe class RingFiles : IDisposable
{
    private const int SlotCount = 64;
    private const int NoDescriptor = -1;
    private readonly AioContext _context;
    private int _ring;
    private readonly Dictionary<LinuxHostFile, int> _slots = [];
    private readonly Stack<int> _free = [];

    // The file asked for last, which most often is the next one, too.
    private LinuxHostFile? _last;
    private int _lastSlot;

    /// <summary>Registers an empty table with <paramref name="ring"/>, the ring of <paramref name="context"/>; where the kernel refuses, no file has a place.</summary>
    public RingFiles(int ring, AioContext context)
    {
        _context = context;
        _ring = ring;
        int* descriptors = stackalloc int[SlotCount];
        new Span<int>(descriptors, SlotCount).Fill(NoDescriptor);
        if (KernelNative.Call(KernelNative.RingRegister, ring, (nint)RegisterFiles, (nint)descriptors, SlotCount, 0, 0) < 0)
        {
            return;
        }

        for (int slot = SlotCount - 1; slot >= 0; slot--)
        {
            _free.Push(slot);
        }
    }

    /// <summary>The place of <paramref name="file"/>, or -1 where it has none.</summary>
    public int SlotOf(LinuxHostFile file)
    {
        if (ReferenceEquals(file, _last))
        {
            return _lastSlot;
        }

        if (!_slots.TryGetValue(file, out int slot))
        {
            slot = Register(file);
        }

        _last = file;
        _lastSlot = slot;
        return slot;
    }

    /// <summary>The file is about to be closed: the ring lets go of it, too, at home. Any thread.</summary>
    public void Leave(LinuxHostFile file)
    {
        if (_context.IsHome)
        {
            Forget(file);
        }
        else
        {
            _context.Post(static state => ((Departure)state!).Run(), new Departure(this, file));
        }
    }

    /// <summary>The kernel forgets all of them with the ring.</summary>
    public void Dispose()
    {
        _slots.Clear();
        _last = null;
        _ring = NoDescriptor;
    }

    private void Forget(LinuxHostFile file)
    {
        _last = ReferenceEquals(file, _last) ? null : _last;
        if (_slots.Remove(file, out int slot) && TryUpdate(slot, NoDescriptor))
        {
            _free.Push(slot);
        }
    }

    // A file is entered where it stands: it tells every ring that knows it when it is closed.
    private int Register(LinuxHostFile file)
    {
        if (!_free.TryPop(out int slot))
        {
            return NoDescriptor;
        }

        if (!TryUpdate(slot, file.Descriptor))
        {
            _free.Push(slot);
            return NoDescriptor;
        }

        _slots.Add(file, slot);
        file.AddRegistration(this);
        return slot;
    }

    private bool TryUpdate(int slot, int descriptor)
    {
        FilesUpdate update = new() { Offset = (uint)slot, Descriptors = &descriptor };
        return KernelNative.Call(KernelNative.RingRegister, _ring, (nint)RegisterFilesUpdate, (nint)(&update), 1, 0, 0) == 1;
    }

    private sealed record Departure(RingFiles Files, LinuxHostFile File)
    {
        public void Run() => Files.Forget(File);
    }
}
