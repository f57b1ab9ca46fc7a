using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Tools.Tests.Verify;

/// <summary>How storage lies: it says that a request has succeeded.</summary>
public enum StorageLie
{
    /// <summary>A write is forgotten.</summary>
    ForgetsWrites,

    /// <summary>A zero write is forgotten.</summary>
    ForgetsZeroWrites,

    /// <summary>Only the first half is written.</summary>
    TearsWrites,

    /// <summary>A write lands one block further.</summary>
    MisplacesWrites,

    /// <summary>A read comes from one block before.</summary>
    MisplacesReads,

    /// <summary>A read has one bit wrong.</summary>
    FlipsBits,

    /// <summary>A read leaves the buffer as it is.</summary>
    LeavesBuffers,
}

/// <summary>A filter that lies about one request in so many.</summary>
internal sealed class LyingFilterDriver(StorageLie lie, int oneIn, SeededRandom chance) : BlockDriver
{
    private const int BlockBytes = 4096;

    public override string Name => "liar";

    public override string Summary => "says that it has done what it has not";

    public override DriverCategory Category => DriverCategory.Filter;

    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    /// <summary>How many times it has lied.</summary>
    public int LieCount { get; private set; }

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        new Instance(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary), this);

    private bool IsLying(params StorageLie[] about)
    {
        bool isLying = about.Contains(lie) && chance.OneIn(oneIn);
        LieCount += isLying ? 1 : 0;
        return isLying;
    }

    private sealed class Instance(BlockChild file, LyingFilterDriver driver) : BlockDriverInstance
    {
        protected override long GetLengthBytes() => file.LengthBytes;

        protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            if (driver.IsLying(StorageLie.LeavesBuffers))
            {
                return;
            }

            bool isElsewhere = offset >= BlockBytes && driver.IsLying(StorageLie.MisplacesReads);
            await file.ReadAsync(isElsewhere ? offset - BlockBytes : offset, buffer, flags, cancel);
            if (driver.IsLying(StorageLie.FlipsBits))
            {
                IoVector place = buffer.Slice(buffer.Length - 1, 1);
                byte[] last = new byte[1];
                place.CopyTo(last);
                last[0] ^= 1;
                place.CopyFrom(last);
            }
        }

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            if (driver.IsLying(StorageLie.ForgetsWrites))
            {
                return default;
            }

            bool isElsewhere = offset + (2 * BlockBytes) <= file.LengthBytes && driver.IsLying(StorageLie.MisplacesWrites);
            return file.WriteAsync(isElsewhere ? offset + BlockBytes : offset, driver.IsLying(StorageLie.TearsWrites) ? buffer.Slice(0, buffer.Length / 2) : buffer, flags, cancel);
        }

        protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (!driver.IsLying(StorageLie.ForgetsZeroWrites))
            {
                await file.WriteZeroesAsync(offset, length, flags, cancel);
            }

            return true;
        }
    }
}
