using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Raw;

/// <summary>
/// Refuses to make the first sector of a guessed raw image look like another format: the next open would guess that format, and
/// follow whatever file names its header holds.
/// </summary>
/// <remarks>
/// What counts is the sector as it would be afterwards, whatever part of it a request changes; so changes of the sector go one
/// at a time, each checked against what the one before it left. Such an image begins at offset 0 of its file.
/// </remarks>
internal sealed class FirstSectorGuard(BlockChild file, DriverRegistry drivers)
{
    private readonly CoMutex _changes = new();

    /// <summary>True where the range touches the sector.</summary>
    public static bool Concerns(long offset, long length) => offset < DriverRegistry.ProbeBytes && length > 0;

    /// <summary>Writes, if the sector may look so.</summary>
    public async ValueTask WriteAsync(BlockNode node, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await _changes.EnterAsync();
        try
        {
            byte[] sector = await ReadAsync(cancel);
            int changed = (int)Math.Min(buffer.Length, Math.Max(0, sector.Length - offset));
            buffer.Slice(0, changed).CopyTo(sector.AsSpan((int)offset));
            Check(node, sector);
            await file.WriteAsync(offset, buffer, flags, cancel);
        }
        finally
        {
            _changes.Exit();
        }
    }

    /// <summary>Zeroes, if the sector may look so.</summary>
    public async ValueTask WriteZeroesAsync(BlockNode node, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await _changes.EnterAsync();
        try
        {
            await CheckZeroedAsync(node, offset, length, cancel);
            await file.WriteZeroesAsync(offset, length, flags, cancel);
        }
        finally
        {
            _changes.Exit();
        }
    }

    /// <summary>Discards, if the sector may look as it would if that left zeros.</summary>
    public async ValueTask DiscardAsync(BlockNode node, long offset, long length, CancellationToken cancel)
    {
        await _changes.EnterAsync();
        try
        {
            await CheckZeroedAsync(node, offset, length, cancel);
            await file.DiscardAsync(offset, length, cancel);
        }
        finally
        {
            _changes.Exit();
        }
    }

    private async ValueTask CheckZeroedAsync(BlockNode node, long offset, long length, CancellationToken cancel)
    {
        byte[] sector = await ReadAsync(cancel);
        sector.AsSpan((int)offset, (int)Math.Min(length, sector.Length - offset)).Clear();
        Check(node, sector);
    }

    private async ValueTask<byte[]> ReadAsync(CancellationToken cancel)
    {
        byte[] sector = new byte[DriverRegistry.ProbeBytes];
        await file.ReadAsync(0, sector, RequestFlags.None, cancel);
        return sector;
    }

    private void Check(BlockNode node, byte[] sector)
    {
        if (drivers.RecognizesOtherThan(node.Driver, sector))
        {
            throw new BlockException(
                BlockErrorKind.NotPermitted, $"Node '{node.Name}' was probed as raw: its first sector cannot be made to look like another format");
        }
    }
}
