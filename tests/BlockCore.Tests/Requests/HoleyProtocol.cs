using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>A sparse file of a few blocks, of which only is known which are holes. Every request takes a while, and a query may answer with what was true when it came.</summary>
internal sealed class HoleyProtocol(SeededRandom chance) : BlockDriver
{
    public const int BlockBytes = 512;
    public const int BlockCount = 16;

    /// <summary>Which blocks are data.</summary>
    public bool[] IsData { get; } = new bool[BlockCount];

    /// <summary>How often the file was asked.</summary>
    public int QueryCount { get; private set; }

    public override string Name => "holey";

    public override string Summary => "a sparse file, for tests";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Instance(this, chance));

    private sealed class Instance(HoleyProtocol file, SeededRandom chance) : BlockDriverInstance
    {
        public override BlockLimits Limits => new() { RequestAlignmentBytes = BlockBytes };

        public override RequestFlags SupportedZeroFlags => RequestFlags.MayUnmap;

        protected internal override long GetLengthBytes() => BlockBytes * BlockCount;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => WaitAsync();

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => SetAsync(offset, buffer.Length, true);

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            await SetAsync(offset, length, false);
            return true;
        }

        protected internal override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            await SetAsync(offset, length, false);
            return true;
        }

        protected internal override async ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
        {
            file.QueryCount++;
            bool isLate = chance.OneIn(2);
            if (isLate)
            {
                await WaitAsync();
            }

            int first = (int)(offset / BlockBytes);
            int next = first;
            while (next < BlockCount && file.IsData[next] == file.IsData[first] && (next - first) * BlockBytes < length)
            {
                next++;
            }

            BlockStatus status = new((file.IsData[first] ? BlockStatusFlags.Data : BlockStatusFlags.Zero) | BlockStatusFlags.OffsetValid, (next - first) * BlockBytes, offset);
            if (!isLate)
            {
                await WaitAsync();
            }

            return status;
        }

        private async ValueTask SetAsync(long offset, long length, bool isData)
        {
            await WaitAsync();
            file.IsData.AsSpan((int)(offset / BlockBytes), (int)(length / BlockBytes)).Fill(isData);
            await WaitAsync();
        }

        private ValueTask WaitAsync() => AioContext.Current!.DelayAsync(chance.NextLong(2000));
    }
}
