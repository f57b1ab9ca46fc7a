using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Io;

/// <summary>
/// The zlib under the runtime's own compression library: a stream whose window is 4 KiB can be read by everybody, and <c>DeflateStream</c> cannot promise
/// to look back no further.
/// </summary>
internal static unsafe partial class ZlibNative
{
    /// <summary>All input is there: end the stream.</summary>
    public const int Finish = 4;

    /// <summary>The stream is at its end.</summary>
    public const int StreamEnd = 1;

    /// <summary>Nothing is wrong.</summary>
    public const int Ok = 0;

    /// <summary>No step was possible: no room, or no input.</summary>
    public const int BufferError = -5;

    /// <summary>What a call works on.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ZStream
    {
        /// <summary>The next byte to read.</summary>
        public byte* NextIn;

        /// <summary>Where the next byte goes.</summary>
        public byte* NextOut;

        /// <summary>Words for a failure.</summary>
        public byte* Message;

        /// <summary>The library's own.</summary>
        public void* State;

        /// <summary>How many bytes there are to read.</summary>
        public uint AvailableIn;

        /// <summary>How many bytes there is room for.</summary>
        public uint AvailableOut;
    }

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_DeflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int DeflateInit(ZStream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_Deflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int Deflate(ZStream* stream, int flush);

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_DeflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int DeflateEnd(ZStream* stream);

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_InflateInit2_")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int InflateInit(ZStream* stream, int windowBits);

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_Inflate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int Inflate(ZStream* stream, int flush);

    [LibraryImport("libSystem.IO.Compression.Native", EntryPoint = "CompressionNative_InflateEnd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    public static partial int InflateEnd(ZStream* stream);
}
