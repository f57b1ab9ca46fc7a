using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>Storage of any limits, which holds each call against them: a call that is outside is a bug of the core, and throws as such.</summary>
internal sealed class ShapedProtocol(BlockLimits limits, int lengthBytes, SeededRandom chance) : BlockDriver
{
    private const long LatencyNsMax = 40_000;
    private byte[] _bytes = new byte[lengthBytes];

    public override string Name => "shaped";

    public override string Summary => "calls of one shape only";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    /// <summary>Whether it zeroes and discards by itself.</summary>
    public bool ZeroesEfficiently { get; init; }

    /// <summary>Whether writes are durable where they are asked to be.</summary>
    public bool WritesDurably { get; init; }

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Image(this));

    private ValueTask WaitAsync() => AioContext.Current!.DelayAsync(chance.NextLong(LatencyNsMax));

    private sealed class Image(ShapedProtocol driver) : BlockDriverInstance
    {
        public override BlockLimits Limits => driver.Shape;

        public override bool CanWriteZeroes => driver.ZeroesEfficiently;

        public override RequestFlags SupportedWriteFlags => driver.WritesDurably ? RequestFlags.Fua : RequestFlags.None;

        public override RequestFlags SupportedZeroFlags => driver.ZeroesEfficiently ? RequestFlags.MayUnmap | RequestFlags.NoFallback : RequestFlags.None;

        public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

        protected internal override long GetLengthBytes() => driver._bytes.Length;

        protected internal override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            CheckRange("data", offset, buffer.Length, driver.Shape.TransferBytesMax);
            await driver.WaitAsync();
            buffer.CopyFrom(driver._bytes.AsSpan((int)offset, buffer.Length));
        }

        protected internal override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            CheckRange("data", offset, buffer.Length, driver.Shape.TransferBytesMax);
            Check((flags & ~RequestFlags.WriteUnchanged & ~SupportedWriteFlags) == 0, $"a write with {flags}");
            await driver.WaitAsync();
            buffer.CopyTo(driver._bytes.AsSpan((int)offset));
        }

        protected internal override ValueTask FlushAsync(CancellationToken cancel) => driver.WaitAsync();

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (!driver.ZeroesEfficiently)
            {
                return false;
            }

            CheckRange("zeroing", offset, length, driver.Shape.WriteZeroesBytesMax);
            await driver.WaitAsync();
            driver._bytes.AsSpan((int)offset, (int)length).Clear();
            return true;
        }

        protected internal override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            if (!driver.ZeroesEfficiently)
            {
                return false;
            }

            CheckRange("discarding", offset, length, driver.Shape.DiscardBytesMax);
            await driver.WaitAsync();
            driver._bytes.AsSpan((int)offset, (int)length).Clear();
            return true;
        }

        protected internal override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
        {
            if (preallocation == PreallocationMode.Metadata)
            {
                throw preallocation.ToRefusal();
            }

            await driver.WaitAsync();
            Array.Resize(ref driver._bytes, (int)lengthBytes);
            return true;
        }

        private void CheckRange(string what, long offset, long length, long? longest)
        {
            int alignment = driver.Shape.RequestAlignmentBytes;
            Check(offset % alignment == 0 && length % alignment == 0, $"{what} of {offset}+{length} by blocks of {alignment}");
            Check(length <= (longest ?? long.MaxValue), $"{what} of {length} bytes, where {longest} are the most");
            Check(offset + length <= driver._bytes.Length, $"{what} of {offset}+{length} in {driver._bytes.Length} bytes");
        }

        private static void Check(bool isRight, string what)
        {
            if (!isRight)
            {
                throw new InvalidOperationException(what + " reached the driver");
            }
        }
    }

    private BlockLimits Shape => limits;
}
