namespace BlockGraph.BlockCore.Io;

/// <summary>Deflate streams without head or checksum, as image formats have them. Any thread.</summary>
public static unsafe class RawDeflate
{
    private const int DefaultLevel = -1;
    private const int DeflateMethod = 8;
    private const int MemoryLevel = 9;

    // Negative: no head and no checksum around the stream. What is written looks back 4 KiB at most; what others wrote may look back further.
    private const int WriteWindowBits = -12;
    private const int ReadWindowBits = -15;

    /// <summary>Compresses <paramref name="data"/> into <paramref name="stream"/>, looking back no further than 4 KiB, which every reader can.</summary>
    /// <returns>How long the stream is; 0 where it does not fit.</returns>
    public static int Compress(ReadOnlySpan<byte> data, Span<byte> stream)
    {
        fixed (byte* input = data, output = stream)
        {
            ZlibNative.ZStream state = new() { NextIn = input, AvailableIn = (uint)data.Length, NextOut = output, AvailableOut = (uint)stream.Length };
            if (ZlibNative.DeflateInit(&state, DefaultLevel, DeflateMethod, WriteWindowBits, MemoryLevel, 0) != ZlibNative.Ok)
            {
                return 0;
            }

            try
            {
                return ZlibNative.Deflate(&state, ZlibNative.Finish) == ZlibNative.StreamEnd ? stream.Length - (int)state.AvailableOut : 0;
            }
            finally
            {
                _ = ZlibNative.DeflateEnd(&state);
            }
        }
    }

    /// <summary>Fills <paramref name="data"/> from a stream, behind which there may be anything; false where it is none, or ends too early.</summary>
    public static bool TryExpand(ReadOnlySpan<byte> stream, Span<byte> data)
    {
        fixed (byte* input = stream, output = data)
        {
            ZlibNative.ZStream state = new() { NextIn = input, AvailableIn = (uint)stream.Length, NextOut = output, AvailableOut = (uint)data.Length };
            if (ZlibNative.InflateInit(&state, ReadWindowBits) != ZlibNative.Ok)
            {
                return false;
            }

            try
            {
                // When the data is full the stream may go on: that is nobody's business here.
                return ZlibNative.Inflate(&state, ZlibNative.Finish) is ZlibNative.Ok or ZlibNative.StreamEnd or ZlibNative.BufferError && state.AvailableOut == 0;
            }
            finally
            {
                _ = ZlibNative.InflateEnd(&state);
            }
        }
    }
}
