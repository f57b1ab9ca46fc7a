using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Tests.Mutants;

/// <summary>One image of a <see cref="BrokenFormatDriver"/>.</summary>
internal sealed class BrokenFormatInstance(BlockChild file, ToyHeader header, byte[] map, FormatFault fault) : BlockDriverInstance
{
    public const int MapOffset = 4096;
    public const int DataOffset = 8192;
    private const int Cluster = 4096;
    private const byte Data = 1;
    private const byte Zero = 2;
    private readonly CoMutex _changes = new();
    private ToyHeader _header = header;

    public override string? BackingFileName => _header.BackingName;

    public override string? BackingFormat => _header.BackingFormat;

    public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

    protected override long GetLengthBytes() => _header.LengthBytes;

    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        IsData(offset, buffer.Length) ? file.ReadAsync(DataOffset + offset, buffer, flags, cancel) : ReadPiecesAsync(offset, buffer, cancel);

    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        IsData(offset, buffer.Length) ? file.WriteAsync(DataOffset + offset, buffer, flags, cancel) : WritePiecesAsync(offset, buffer, cancel);

    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (offset % Cluster != 0 || length % Cluster != 0)
        {
            return false;
        }

        await _changes.EnterAsync();
        try
        {
            for (long at = offset; at < offset + length; at += Cluster)
            {
                await MapAsync((int)(at / Cluster), Zero);
            }

            return true;
        }
        finally
        {
            _changes.Exit();
        }
    }

    protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        byte state = map[offset / Cluster];
        length = Math.Min(length, Cluster - (offset % Cluster));
        return new(state switch
        {
            Data => new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid, length, DataOffset + offset, file),
            Zero => new BlockStatus(BlockStatusFlags.Zero, length),
            _ => new BlockStatus(BlockStatusFlags.None, length),
        });
    }

    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (preallocation != PreallocationMode.Off || lengthBytes < _header.LengthBytes || lengthBytes > ToyHeader.LengthBytesMax)
        {
            return false;
        }

        long oldBytes = _header.LengthBytes;
        if (fault != FormatFault.GrowsOverBacking)
        {
            if (oldBytes % Cluster != 0)
            {
                await ChangeAsync(oldBytes, default, cancel);
            }

            for (long at = (oldBytes + Cluster - 1) / Cluster * Cluster; at < lengthBytes; at += Cluster)
            {
                await MapAsync((int)(at / Cluster), Zero);
            }
        }

        await WriteHeaderAsync(_header with { LengthBytes = lengthBytes });
        return true;
    }

    protected override async Task ChangeBackingFileAsync(string? fileName, string? format)
    {
        ToyHeader changed = _header with { BackingName = fileName, BackingFormat = format };
        if (fault == FormatFault.ForgetsNames)
        {
            _header = changed;
            return;
        }

        await WriteHeaderAsync(changed);
    }

    protected override async Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel)
    {
        byte[] stored = new byte[DataOffset - MapOffset];
        await file.ReadAsync(MapOffset, stored, RequestFlags.None, cancel);
        return new ImageCheck { CorruptionCount = stored.Count(s => s > Zero), LeakCount = fault == FormatFault.FindsLeaks ? 1 : 0 };
    }

    private bool IsData(long offset, int length)
    {
        for (long at = offset / Cluster; at * Cluster < offset + length; at++)
        {
            if (map[at] != Data)
            {
                return false;
            }
        }

        return length > 0;
    }

    private async ValueTask ReadPiecesAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        for (int done = 0; done < buffer.Length;)
        {
            long at = offset + done;
            int step = (int)Math.Min(Cluster - (at % Cluster), buffer.Length - done);
            IoVector piece = buffer.Slice(done, step);
            switch (map[at / Cluster])
            {
                case Data:
                    await file.ReadAsync(DataOffset + at, piece, RequestFlags.None, cancel);
                    break;
                case 0 when Node.CowChild is { } backing:
                    await backing.ReadAsync(at, piece, RequestFlags.None, cancel);
                    break;
                default:
                    piece.Fill(0);
                    break;
            }

            done += step;
        }
    }

    private async ValueTask WritePiecesAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        for (int done = 0; done < buffer.Length;)
        {
            long at = offset + done;
            int step = (int)Math.Min(Cluster - (at % Cluster), buffer.Length - done);
            await (IsData(at, step)
                ? file.WriteAsync(DataOffset + at, buffer.Slice(done, step), RequestFlags.None, cancel)
                : ChangeAsync(at, buffer.Slice(done, step), cancel));
            cancel = CancellationToken.None;
            done += step;
        }
    }

    private async ValueTask ChangeAsync(long offset, IoVector piece, CancellationToken cancel)
    {
        bool locks = fault != FormatFault.AllocatesUnlocked;
        await (locks ? _changes.EnterAsync() : default);
        try
        {
            cancel.ThrowIfCancellationRequested();
            long start = offset / Cluster * Cluster;
            if (locks && map[start / Cluster] == Data)
            {
                // Another request was first.
                await file.WriteAsync(DataOffset + offset, piece, RequestFlags.None, CancellationToken.None);
                return;
            }

            byte[] whole = new byte[Cluster];
            if (fault != FormatFault.CopiesNothing)
            {
                await ReadPiecesAsync(start, whole.AsMemory(0, (int)Math.Min(Cluster, _header.LengthBytes - start)), cancel);
            }

            piece.CopyTo(whole.AsSpan((int)(offset - start)));
            if (fault == FormatFault.WritesMapFirst)
            {
                await MapAsync((int)(start / Cluster), Data);
            }

            map[start / Cluster] = fault == FormatFault.MapsBeforeWriting ? Data : map[start / Cluster];
            await file.WriteAsync(DataOffset + start, whole, RequestFlags.None, CancellationToken.None);
            if (fault != FormatFault.WritesMapFirst)
            {
                await file.FlushAsync(CancellationToken.None);
                await MapAsync((int)(start / Cluster), Data);
            }
        }
        finally
        {
            if (locks)
            {
                _changes.Exit();
            }
        }
    }

    private async ValueTask MapAsync(int cluster, byte state)
    {
        await file.WriteAsync(MapOffset + cluster, new[] { state }, RequestFlags.None, CancellationToken.None);
        map[cluster] = state;
    }

    private async Task WriteHeaderAsync(ToyHeader changed)
    {
        await file.FlushAsync(CancellationToken.None);
        await file.WriteAsync(0, changed.ToSector(), RequestFlags.None, CancellationToken.None);
        _header = changed;
    }
}
