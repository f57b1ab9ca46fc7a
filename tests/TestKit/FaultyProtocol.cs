using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>
/// Storage in memory that fails when told to; <see cref="FaultyDisk"/> says how. <c>faulty</c> and <c>memory</c> nodes of one file name hold the same
/// bytes, though not at the same time. As a file name: <c>faulty:NAME</c>.
/// </summary>
/// <param name="memory">Where the bytes are.</param>
/// <param name="chance">How long a request takes, up to <c>latency-ns-max</c>; null: always that long.</param>
/// <param name="seed">The seed of each disk's own chance.</param>
public sealed class FaultyProtocol(MemoryProtocol memory, SeededRandom? chance = null, ulong seed = 0) : StorageProtocol
{
    private readonly Dictionary<string, FaultyDisk> _disks = [];

    /// <inheritdoc/>
    public override string Name => "faulty";

    /// <inheritdoc/>
    public override string Summary => "storage in memory that fails when told to, for tests";

    /// <summary>The disk called <paramref name="name"/>; made on first use, of that length and full of zeros.</summary>
    public FaultyDisk Disk(string name, int lengthBytes = 1 << 20)
    {
        if (!_disks.TryGetValue(name, out FaultyDisk? disk))
        {
            disk = new FaultyDisk(memory.Storage(name, lengthBytes), seed + (ulong)_disks.Count);
            _disks.Add(name, disk);
        }

        return disk;
    }

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        FaultyDisk disk = Disk(context.Options.GetString("filename")!);
        if (disk.Storage.OpenCount == 0)
        {
            disk.Settle();
        }

        return Task.FromResult<BlockDriverInstance>(new Instance(disk, context.Options, chance));
    }

    private sealed class Instance(FaultyDisk disk, OptionReader options, SeededRandom? chance) : MemoryInstance(disk.Storage, options, chance)
    {
        protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            await BeginAsync(StorageCall.Read);
            await base.ReadAsync(offset, buffer, flags, cancel);
            if (disk.CorruptsReadsOneIn > 0 && buffer.Length > 0 && disk.Chance.OneIn(disk.CorruptsReadsOneIn))
            {
                IoVector place = buffer.Slice(disk.Chance.Next(buffer.Length), 1);
                byte[] wrong = new byte[1];
                place.CopyTo(wrong);
                wrong[0] ^= (byte)(1 << disk.Chance.Next(8));
                place.CopyFrom(wrong);
            }
        }

        protected override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            byte[] data = new byte[buffer.Length];
            buffer.CopyTo(data);
            await ChangeAsync(StorageCall.Write, offset, data.Length, data, length => base.WriteAsync(offset, data.AsMemory(0, (int)length), flags, cancel));
        }

        protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (SupportedZeroFlags == RequestFlags.None)
            {
                return false;
            }

            await ChangeAsync(StorageCall.WriteZeroes, offset, length, null, async kept => await base.TryWriteZeroesAsync(offset, kept, flags, cancel));
            return true;
        }

        protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            await ChangeAsync(StorageCall.Discard, offset, length, null, async kept => await base.TryDiscardAsync(offset, kept, cancel));
            return true;
        }

        // A change goes by a buffer here, to be torn or forgotten.
        protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) => new(false);

        protected override async ValueTask FlushAsync(CancellationToken cancel)
        {
            long begun = disk.BeginFlush();
            await BeginAsync(StorageCall.Flush);
            await base.FlushAsync(cancel);
            disk.EndFlush(begun);
        }

        protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
        {
            await BeginAsync(StorageCall.SetLength);
            disk.CutTo(lengthBytes);
            return await base.TryWriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);
        }

        protected override async ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
        {
            await BeginAsync(StorageCall.GetStatus);
            return await base.GetStatusAsync(wanted, offset, length, cancel);
        }

        private async ValueTask ChangeAsync(StorageCall call, long offset, long length, byte[]? data, Func<long, ValueTask> apply)
        {
            Exception? failure = disk.Judge(call);
            FaultyDisk.Change change = disk.Begin(offset, length, data);
            long kept = failure is null ? length : TornLength(offset, length);
            try
            {
                await DelayAsync();
                if (kept > 0 || failure is null)
                {
                    await apply(kept);
                }
            }
            catch
            {
                disk.Abandon(change, 0);
                throw;
            }

            if (failure is not null)
            {
                disk.Abandon(change, kept);
                throw failure;
            }

            disk.Complete(change);
        }

        // How much of a failed change is made: up to one of the boundaries within it, or nothing. The storage takes no less than its alignment.
        private long TornLength(long offset, long length)
        {
            long unit = Math.Max(FaultyDisk.SectorBytes, Limits.RequestAlignmentBytes);
            long first = (offset / unit) + 1;
            long boundaryCount = disk.TearsWrites ? ((offset + length - 1) / unit) - first + 1 : 0;
            long index = boundaryCount <= 0 ? boundaryCount : disk.Chance.NextLong(boundaryCount + 1);
            return index == boundaryCount ? 0 : ((first + index) * unit) - offset;
        }

        private async ValueTask BeginAsync(StorageCall call)
        {
            Exception? failure = disk.Judge(call);
            await DelayAsync();
            if (failure is not null)
            {
                throw failure;
            }
        }

        private ValueTask DelayAsync() => disk.DelayNsMax == 0 ? default : AioContext.Current!.DelayAsync(disk.Chance.NextLong(disk.DelayNsMax));
    }
}
