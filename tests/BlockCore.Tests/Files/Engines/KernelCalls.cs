using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Scheduling.Linux;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>What a call does instead of what it was asked to.</summary>
/// <param name="BytesMax">It moves so many bytes at most; null for all of them.</param>
/// <param name="Errno">It fails with this number and does nothing; 0 for no failure.</param>
internal readonly record struct KernelAnswer(int? BytesMax = null, int Errno = 0)
{
    /// <summary>The call is made as it is.</summary>
    public static KernelAnswer AsAsked => default;
}

/// <summary>
/// The kernel's calls on one file, made by one thread and the threads that it starts, answered as the test says: a filter holds each one until another thread
/// has carried it out, or a part of it, or nothing. So short counts and errors come exactly where a test wants them, from a real kernel.
/// </summary>
/// <remarks>Seccomp user notification: Linux 5.9, no privileges. The filter lives as long as its threads, and the thread that answers as long as the filter.</remarks>
internal sealed unsafe partial class KernelCalls
{
    private const int SetFilter = 1;
    private const int WithListener = 8;
    private const int NoNewPrivileges = 38;
    private const int Seccomp = 317;
    private const nuint Receive = 0xC0502100;
    private const nuint Send = 0xC0182101;
    private const uint Allow = 0x7FFF0000;
    private const uint Notify = 0x7FC00000;
    private const short Readable = 1;
    private const int EventBytes = 32;
    private const int ResultOffset = 16;

    // pread64, pwrite64, preadv, pwritev, preadv2, pwritev2, fdatasync; and io_getevents, which has no file.
    private static readonly int[] s_plain = [17, 18];
    private static readonly int[] s_vectors = [295, 296, 327, 328];
    private const int DataSync = 75;
    private const int GetEvents = 208;

    private readonly int _descriptor;
    private readonly Func<int, KernelAnswer> _answer;
    private readonly ManualResetEventSlim _isInstalled = new();
    private int _listener = -1;
    private int _callCount;

    // A worker that the test's thread has started outlives the test, and keeps the filter.
    private volatile bool _isOver;

    private KernelCalls(int descriptor, Func<int, KernelAnswer> answer)
    {
        _descriptor = descriptor;
        _answer = answer;
    }

    /// <summary>Runs <paramref name="body"/> on a thread whose calls on <paramref name="file"/> are answered by <paramref name="answer"/>, which is told their number, from 0 on.</summary>
    /// <returns>How many calls there were.</returns>
    public static int Run(HostFile file, Func<int, KernelAnswer> answer, Action body)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.Ignore("the filter is written for Linux on x86-64");
        }

        KernelCalls calls = new(((LinuxHostFile)file).Descriptor, answer);

        // Threads inherit the filter of the one that starts them; who answers must have none.
        new Thread(calls.AnswerAll) { IsBackground = true, Name = "kernel answers" }.Start();
        Scheduling.OtherThread.Run(() =>
        {
            try
            {
                calls.Install();
            }
            finally
            {
                calls._isInstalled.Set();
            }

            try
            {
                body();
            }
            finally
            {
                calls._isOver = true;
            }
        });
        return Volatile.Read(ref calls._callCount);
    }

    // struct sock_filter. Offsets in struct seccomp_data: 0 the number, 16 the low half of the first argument.
    private void Install()
    {
        List<ulong> filter = [Instruction(0x20, 0, 0, 0)];
        int[] withFile = [.. s_plain, .. s_vectors, DataSync];
        filter.Add(Instruction(0x15, (byte)(withFile.Length + 3), 0, GetEvents));
        for (int i = 0; i < withFile.Length; i++)
        {
            filter.Add(Instruction(0x15, (byte)(withFile.Length - i), 0, (uint)withFile[i]));
        }

        filter.AddRange([Instruction(0x06, 0, 0, Allow), Instruction(0x20, 0, 0, 16), Instruction(0x15, 0, 1, (uint)_descriptor), Instruction(0x06, 0, 0, Notify), Instruction(0x06, 0, 0, Allow)]);
        Assert.That(Control(NoNewPrivileges, 1, 0, 0, 0), Is.Zero, "no new privileges");
        fixed (ulong* start = filter.ToArray())
        {
            Program program = new() { Count = (ushort)filter.Count, Filter = start };
            _listener = (int)KernelNative.Call(Seccomp, SetFilter, WithListener, (nint)(&program), 0, 0, 0);
        }

        if (_listener < 0)
        {
            Assert.Ignore($"this kernel lets nobody answer for it (error {LinuxErrno.Last})");
        }
    }

    private void AnswerAll()
    {
        _isInstalled.Wait();
        while (_listener >= 0)
        {
            Poll wait = new() { File = _listener, Wanted = Readable };
            int ready = WaitFor(&wait, 1, -1);
            if (ready > 0 && (wait.Found & Readable) == 0)
            {
                // Nobody is left who could call.
                _ = LoopNative.Close(_listener);
                return;
            }

            Notification call = default;
            if (ready > 0 && Exchange(_listener, Receive, &call) == 0)
            {
                Response response = new() { Id = call.Id };
                Answer(ref call, ref response);
                _ = Exchange(_listener, Send, &response);
            }
        }
    }

    private void Answer(ref Notification call, ref Response response)
    {
        if (call.Number == GetEvents)
        {
            AnswerEvents(ref call, ref response);
            return;
        }

        KernelAnswer answer = NextAnswer();
        nint result = answer.Errno != 0 ? -answer.Errno : Make(ref call, answer.BytesMax);
        response.Value = result < 0 ? 0 : result;
        response.Error = result < 0 ? (int)result : 0;
    }

    private KernelAnswer NextAnswer() => _isOver ? KernelAnswer.AsAsked : _answer(Interlocked.Increment(ref _callCount) - 1);

    // The results are there already; some of them become others.
    private void AnswerEvents(ref Notification call, ref Response response)
    {
        LoopNative.TimeSpec none = default;
        nint count = KernelNative.Call(GetEvents, call.First, 0, call.Third, call.Fourth, (nint)(&none), 0);
        for (nint i = 0; i < count; i++)
        {
            KernelAnswer answer = NextAnswer();
            long* result = (long*)((byte*)call.Fourth + (i * EventBytes) + ResultOffset);
            *result = answer.Errno != 0 ? -answer.Errno : Math.Min(*result, answer.BytesMax ?? long.MaxValue);
        }

        response.Value = count;
    }

    // In the same memory and on the same descriptors.
    private static nint Make(ref Notification call, int? bytesMax)
    {
        nint result;
        if (s_vectors.Contains(call.Number))
        {
            Span<IoPiece> pieces = new Span<IoPiece>((void*)call.Second, (int)call.Third).ToArray();
            int count = Cut(pieces, bytesMax);
            fixed (IoPiece* start = pieces)
            {
                result = KernelNative.Call(call.Number, call.First, (nint)start, count, call.Fourth, call.Fifth, call.Sixth);
            }
        }
        else
        {
            nint length = s_plain.Contains(call.Number) ? Math.Min(call.Third, bytesMax ?? nint.MaxValue) : call.Third;
            result = KernelNative.Call(call.Number, call.First, call.Second, length, call.Fourth, call.Fifth, call.Sixth);
        }

        return result < 0 ? -LinuxErrno.Last : result;
    }

    private static int Cut(Span<IoPiece> pieces, int? bytesMax)
    {
        nuint left = (nuint)(bytesMax ?? int.MaxValue);
        int count = 0;
        while (count < pieces.Length && left > 0)
        {
            pieces[count].LengthBytes = Math.Min(pieces[count].LengthBytes, left);
            left -= pieces[count].LengthBytes;
            count++;
        }

        return count;
    }

    private static ulong Instruction(ushort code, byte ifTrue, byte ifFalse, uint value) => code | ((ulong)ifTrue << 16) | ((ulong)ifFalse << 24) | ((ulong)value << 32);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nint second, nint third, nint fourth, nint fifth);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Exchange(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int WaitFor(Poll* polls, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Count;
        public ulong* Filter;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int File;
        public short Wanted;
        public short Found;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Notification
    {
        public ulong Id;
        public uint Caller;
        public uint Flags;
        public int Number;
        public uint Architecture;
        public ulong Instruction;
        public nint First;
        public nint Second;
        public nint Third;
        public nint Fourth;
        public nint Fifth;
        public nint Sixth;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Response
    {
        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }
}
