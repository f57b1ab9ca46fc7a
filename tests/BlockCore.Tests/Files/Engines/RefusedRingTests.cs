using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>
/// A kernel that refuses rings, as in many containers: a filter makes <c>io_uring_setup</c> fail with EPERM on the test's own thread, for as long as that lives.
/// </summary>
[TestFixture("Auto,direct")]
[TestFixture("Auto")]
[TestFixture("Auto,memory")]
[TestFixture("Threads")]
[TestFixture("Threads,direct")]
[TestFixture("Native,direct")]
public sealed partial class RefusedRingTests(string way) : EngineFixture(way)
{
    private const int BlockBytes = 4096;

    [Test]
    public void Everything_else_works() => OnThreadWithoutRings(() =>
    {
        const int Count = 200;
        using HostFile file = MakeFile(new byte[Count * BlockBytes]);
        Context.Run(async () =>
        {
            Memory<byte>[] buffers = [.. Enumerable.Range(0, Count).Select(i => Buffer(BlockBytes, (byte)i))];
            await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Write, (i * 7 % Count) * BlockBytes, buffer)));
            await BeginAsync(file, RequestKind.Flush, 0, default);
            Memory<byte>[] read = [.. buffers.Select(_ => Buffer(BlockBytes))];
            await Task.WhenAll(read.Select((buffer, i) => BeginAsync(file, RequestKind.Read, (i * 7 % Count) * BlockBytes, buffer)));
            Assert.That(read.Zip(buffers).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span)), "what was written is read");
        });
        if (IsDirect && Aio == HostFileAio.Auto)
        {
            Assert.That(Context.HasRing, Is.False, "the kernel was asked, and has refused");
        }
    });

    [Test]
    public void Asking_for_rings_alone_is_refused_with_the_reason() => OnThreadWithoutRings(() =>
    {
        BlockException refusal = Assert.Throws<BlockException>(() => HostPlatform.Linux.CheckAio(HostFileAio.IoUring))!;
        Assert.That(refusal.Message, Is.EqualTo("Unable to use io_uring: Operation not permitted"));
        Assert.That(() => HostPlatform.Linux.CheckAio(Aio), Throws.Nothing, "the others are not");
    });

    private static void OnThreadWithoutRings(Action body)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.Ignore("the filter is written for x86-64");
        }

        OtherThread.Run(() =>
        {
            RefuseRings();
            body();
        });
    }

    // struct sock_filter: load the number of the call; if it is io_uring_setup, fail with EPERM, else allow.
    private static unsafe void RefuseRings()
    {
        const int NoNewPrivileges = 38;
        const int SetFilter = 22;
        const int FilterMode = 2;
        ulong* filter = stackalloc ulong[]
        {
            Instruction(0x20, 0, 0, 0),
            Instruction(0x15, 0, 1, 425),
            Instruction(0x06, 0, 0, 0x00050001),
            Instruction(0x06, 0, 0, 0x7FFF0000),
        };
        Program program = new() { Count = 4, Filter = filter };
        Assert.That(Control(NoNewPrivileges, 1, 0, 0, 0), Is.Zero, "no new privileges");
        Assert.That(Control(SetFilter, FilterMode, (nint)(&program), 0, 0), Is.Zero, "the filter");
    }

    private static ulong Instruction(ushort code, byte ifTrue, byte ifFalse, uint value) => code | ((ulong)ifTrue << 16) | ((ulong)ifFalse << 24) | ((ulong)value << 32);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nint second, nint third, nint fourth, nint fifth);

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Program
    {
        public ushort Count;
        public ulong* Filter;
    }
}
