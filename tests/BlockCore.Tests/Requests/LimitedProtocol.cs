using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Storage of 512-byte blocks that takes little at a time, and writes down each call.</summary>
internal sealed class LimitedProtocol : BlockDriver
{
    /// <summary>The calls, as <c>verb offset+length flags</c>.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Whether the driver zeroes by itself.</summary>
    public bool ZeroesEfficiently { get; set; }

    /// <summary>Which multiples zero writes and discards prefer, in bytes.</summary>
    public long RangeAlignmentBytes { get; set; } = 1;

    /// <summary>The longest zero write, in bytes; null for any.</summary>
    public long? WriteZeroesBytesMax { get; set; } = 8192;

    /// <summary>The length of images opened from now on, in bytes.</summary>
    public long LengthBytes { get; set; } = 1 << 20;

    /// <summary>What every read and write throws, from inside the call.</summary>
    public Exception? Thrown { get; set; }

    public override string Name => "limited";

    public override string Summary => "small calls only";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    public void Clear()
    {
        Log.Clear();
        ZeroesEfficiently = false;
        RangeAlignmentBytes = 1;
        WriteZeroesBytesMax = 8192;
        LengthBytes = 1 << 20;
        Thrown = null;
    }

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Image(this));

    private sealed class Image(LimitedProtocol driver) : BlockDriverInstance
    {
        public override BlockLimits Limits => new()
        {
            RequestAlignmentBytes = 512,
            TransferBytesMax = 4096,
            WriteZeroesBytesMax = driver.WriteZeroesBytesMax,
            WriteZeroesAlignmentBytes = driver.RangeAlignmentBytes,
            DiscardBytesMax = 8192,
            DiscardAlignmentBytes = driver.RangeAlignmentBytes,
        };

        public override bool CanWriteZeroes => true;

        public override RequestFlags SupportedZeroFlags => RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.NoFallback;

        protected internal override long GetLengthBytes() => driver.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Add($"read {offset}+{buffer.Length}", flags);

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Add($"write {offset}+{buffer.Length}", flags);

        protected internal override ValueTask FlushAsync(CancellationToken cancel) => Add("flush", RequestFlags.None);

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (!driver.ZeroesEfficiently)
            {
                return false;
            }

            await Add($"zero {offset}+{length}", flags);
            return true;
        }

        protected internal override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            await Add($"discard {offset}+{length}", RequestFlags.None);
            return true;
        }

        private ValueTask Add(string call, RequestFlags flags)
        {
            if (driver.Thrown is not null)
            {
                throw driver.Thrown;
            }

            driver.Log.Add(flags == RequestFlags.None ? call : $"{call} {flags}");
            return AioContext.Current!.YieldAsync();
        }
    }
}
