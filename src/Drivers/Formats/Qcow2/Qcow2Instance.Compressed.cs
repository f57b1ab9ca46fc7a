using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Compressed clusters.</content>
internal sealed partial class Qcow2Instance
{
    // So much memory may hold clusters that are being compressed.
    private const int CompressedBytesMax = 16 << 20;

    private async ValueTask ReadCompressedAsync(L2Entry entry, int inCluster, IoVector piece, CancellationToken cancel)
    {
        CompressedPlace place = CompressedPlace.Of(entry, _geometry);
        byte[] stream = new byte[place.LengthBytes];
        byte[] cluster = new byte[_geometry.ClusterBytes];
        await metadata.File.ReadAsync(place.HostOffset, stream, RequestFlags.None, cancel);
        Qcow2Compression compression = metadata.Area.Header.Compression;
        if (!await Node.Context.RunOnWorkers(() => ClusterCompression.TryExpand(stream, cluster, compression)))
        {
            throw metadata.ReportCorrupt($"Compressed cluster at 0x{place.HostOffset:x} cannot be decompressed", place.HostOffset, place.LengthBytes);
        }

        piece.CopyFrom(cluster.AsSpan(inCluster, piece.Length));
    }

    /// <summary>Writes one cluster compressed, or as it is where that is no shorter. An image's last one may be short.</summary>
    private async ValueTask WriteCompressedAsync(long guestOffset, IoVector buffer)
    {
        Memory<byte> stream = await _compressed.RentAsync();
        int length;
        try
        {
            length = await CompressAsync(buffer, stream);
            if (length > 0)
            {
                await WriteStreamAsync(guestOffset, stream[..length]);
            }
        }
        finally
        {
            _compressed.Return(stream);
        }

        if (length == 0)
        {
            await WriteRangeAsync(guestOffset, buffer, CancellationToken.None);
            return;
        }

        await BreatheAsync();
    }

    private async ValueTask<int> CompressAsync(IoVector buffer, Memory<byte> stream)
    {
        if (!buffer.TryGetSingle(out Memory<byte> cluster) || cluster.Length < _geometry.ClusterBytes)
        {
            // What is behind the image's end is zeros.
            cluster = new byte[_geometry.ClusterBytes];
            buffer.CopyTo(cluster.Span);
        }

        Qcow2Compression compression = metadata.Area.Header.Compression;
        return await Node.Context.RunOnWorkers(() => ClusterCompression.Compress(cluster.Span, stream.Span, compression));
    }

    private async ValueTask WriteStreamAsync(long guestOffset, Memory<byte> stream)
    {
        long index = guestOffset >> _geometry.ClusterBits;
        await _busy.EnterAsync(index, index, CancellationToken.None);
        try
        {
            L2Entry old = await metadata.Map.GetEntryAsync(guestOffset);
            if ((old.IsCompressed || old.HasCluster) && !Node.Graph.Profile.CompressedWritesReplace)
            {
                throw new BlockException(BlockErrorKind.InputOutput, $"Node '{Node.Name}': the cluster at {guestOffset} is there already, and compressed data does not replace one");
            }

            await metadata.Map.GetOwnTableAsync(_geometry.L1Index(guestOffset));
            CompressedPlace place = await metadata.Allocator.AllocateBytesAsync(stream.Length);
            try
            {
                await metadata.File.DebugEventAsync(DebugEvent.WriteCompressed);
                await metadata.File.WriteAsync(place.HostOffset, stream, RequestFlags.None, CancellationToken.None);
                await metadata.Map.ChangeAsync(guestOffset, 1, (_, _) => place.ToEntry(_geometry));
            }
            catch
            {
                await metadata.Allocator.GiveBackAsync(place);
                throw;
            }

            FreeOld(old, DiscardReason.Other);
        }
        finally
        {
            _busy.Exit(index, index);
        }
    }
}
