using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>A format that writes to two children, and only reads a third.</summary>
internal sealed class PairFormatDriver : BlockDriver
{
    public override string Name => "pair";

    public override string Summary => "two files and a source";

    public override DriverCategory Category => DriverCategory.Format;

    public override OptionSchema Options { get; } = new(
        new OptionDefinition("first", OptionType.Child, "written") { IsRequired = true },
        new OptionDefinition("second", OptionType.Child, "written as well") { IsRequired = true },
        new OptionDefinition("read", OptionType.Child, "only read") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        BlockChild first = await context.OpenChildAsync("first", ChildRole.Data | ChildRole.Primary);
        BlockChild second = await context.OpenChildAsync("second", ChildRole.Data);
        await context.OpenChildAsync("read", ChildRole.Cow);
        return new Image(first, second);
    }

    private sealed class Image(BlockChild first, BlockChild second) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => first.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => first.ReadAsync(offset, buffer, flags, cancel);

        protected internal override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            await first.WriteAsync(offset, buffer, flags, cancel);
            await second.WriteAsync(offset, buffer, flags, cancel);
        }
    }
}
