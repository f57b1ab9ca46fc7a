using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Io;

/// <summary>Memory that is not the runtime's goes to the driver as it is, alone and beside other memory.</summary>
[TestFixture]
public sealed class NativeSegmentTests : GraphTests
{
    private const int Length = 8192;
    private nint _native;

    [SetUp]
    public unsafe void Allocate() => _native = (nint)NativeMemory.AlignedAlloc(Length, 4096);

    [TearDown]
    public unsafe void Free() => NativeMemory.AlignedFree((void*)_native);

    [Test]
    public unsafe void It_shows_the_memory_and_costs_nothing_to_pin()
    {
        NativeSegment segment = new(_native, Length);
        new IoVector(segment).Fill(9);
        Assert.That(((byte*)_native)[Length - 1], Is.EqualTo(9), "the memory itself");
        long before = GC.GetAllocatedBytesForCurrentThread();
        nint pinned;
        using (System.Buffers.MemoryHandle handle = segment.Memory.Slice(100, 10).Pin())
        {
            pinned = (nint)handle.Pointer;
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero, "no handle of the collector's");
        Assert.That(pinned, Is.EqualTo(_native + 100), "its own address");
        Assert.That((segment.Address, segment.LengthBytes), Is.EqualTo((_native, Length)), "as it was given");
        Assert.Throws<ArgumentNullException>(() => _ = new NativeSegment(0, 1), "no memory");
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new NativeSegment(_native, -1), "no length");
        Assert.That(new NativeSegment(0, 0).Memory.IsEmpty, "nothing of nothing");
    }

    [Test]
    public unsafe void Pinned_memory_is_pinned_without_asking_the_collector()
    {
        Memory<byte> aligned = AlignedBuffer.Allocate(4096, 4096);
        using System.Buffers.MemoryHandle handle = aligned.Pin();
        Assert.That((nint)handle.Pointer % 4096, Is.EqualTo((nint)0), "aligned");
        fixed (byte* address = aligned.Span)
        {
            Assert.That((nint)handle.Pointer, Is.EqualTo((nint)address), "and there");
        }
    }

    // backend -> pass-through -> raw-like idle filter -> scripted
    [Test]
    public void The_driver_sees_the_callers_addresses() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=switch-filter,file.file.driver=scripted,file.file.node-name=disk");
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        List<nint> seen = [];
        disk.Arrived = request => seen.AddRange(AddressesOf(request.Buffer));
        NativeSegment native = new(_native, Length);
        byte[] pinned = GC.AllocateArray<byte>(100, pinned: true);
        IoVector mixed = new(new IoSegments(native.Memory[..4096], pinned, native.Memory[5000..]));
        nint pinnedAddress = AddressesOf(pinned)[0];
        await backend.WriteAsync(0, new IoVector(native), RequestFlags.RegisteredBuffer);
        await backend.ReadAsync(0, mixed);
        await backend.WriteAsync(0, mixed.Slice(10, 4100));
        Assert.That(seen, Is.EqualTo(new[] { _native, _native, pinnedAddress, _native + 5000, _native + 10, pinnedAddress }), "every piece where it lies");
    });

    private static unsafe List<nint> AddressesOf(IoVector vector)
    {
        List<nint> addresses = [];
        foreach (Memory<byte> piece in vector)
        {
            fixed (byte* address = piece.Span)
            {
                addresses.Add((nint)address);
            }
        }

        return addresses;
    }
}
