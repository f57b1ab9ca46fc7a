using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>System calls by their numbers: for those that a C library may not know.</summary>
internal static unsafe partial class KernelNative
{
    public const int RingSetup = 425;
    public const int RingEnter = 426;
    public const int RingRegister = 427;

    private static readonly bool s_isX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    // The newer architectures share one table.
    public static int Read { get; } = s_isX64 ? 17 : 67;

    public static int Write { get; } = s_isX64 ? 18 : 68;

    public static int ReadVector2 { get; } = s_isX64 ? 327 : 286;

    public static int WriteVector2 { get; } = s_isX64 ? 328 : 287;

    public static int AioSetup { get; } = s_isX64 ? 206 : 0;

    public static int AioDestroy { get; } = s_isX64 ? 207 : 1;

    public static int AioGetEvents { get; } = s_isX64 ? 208 : 4;

    public static int AioSubmit { get; } = s_isX64 ? 209 : 2;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Call(nint number, nint first, nint second, nint third, nint fourth, nint fifth, nint sixth);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(void* address, nuint length);
}
