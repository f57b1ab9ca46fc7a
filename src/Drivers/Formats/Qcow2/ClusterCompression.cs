using BlockGraph.BlockCore.Io;
using ZstdSharp;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Compresses and decompresses clusters. Any thread.</summary>
internal static class ClusterCompression
{
    /// <summary>Compresses <paramref name="cluster"/> into <paramref name="stream"/>, which is as long.</summary>
    /// <returns>How long the stream is; 0 where it would be no shorter than the cluster.</returns>
    public static int Compress(ReadOnlySpan<byte> cluster, Span<byte> stream, Qcow2Compression compression)
    {
        Span<byte> room = stream[..^1];
        if (compression == Qcow2Compression.Zlib)
        {
            return RawDeflate.Compress(cluster, room);
        }

        using Compressor compressor = new();
        return compressor.TryWrap(cluster, room, out int written) ? written : 0;
    }

    /// <summary>Fills <paramref name="cluster"/> from a stream, behind which there may be anything; false where it is none, or ends too early.</summary>
    public static bool TryExpand(byte[] stream, byte[] cluster, Qcow2Compression compression)
    {
        if (compression == Qcow2Compression.Zlib)
        {
            return RawDeflate.TryExpand(stream, cluster);
        }

        try
        {
            using MemoryStream source = new(stream, writable: false);
            using DecompressionStream expander = new(source, checkEndOfStream: false);
            return expander.ReadAtLeast(cluster, cluster.Length, throwOnEndOfStream: false) == cluster.Length;
        }
        catch (Exception error) when (error is ZstdException or EndOfStreamException)
        {
            return false;
        }
    }
}
