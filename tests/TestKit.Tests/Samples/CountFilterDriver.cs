using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Tests.Samples;

/// <summary>Counts the bytes that go through a node, and passes everything on.</summary>
public sealed class CountFilterDriver : BlockDriver
{
    public override string Name => "count";

    public override string Summary => "counts the bytes that go through";

    public override DriverCategory Category => DriverCategory.Filter;

    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "where to count") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        new CountFilter(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary));
}

/// <summary>One node that counts.</summary>
public sealed class CountFilter(BlockChild file) : BlockDriverInstance
{
    public long ReadBytes { get; private set; }

    public long WrittenBytes { get; private set; }

    protected override long GetLengthBytes() => file.LengthBytes;

    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        ReadBytes += buffer.Length;
        return file.ReadAsync(offset, buffer, flags, cancel);
    }

    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        WrittenBytes += buffer.Length;
        return file.WriteAsync(offset, buffer, flags, cancel);
    }

    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        WrittenBytes += length;
        await file.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await file.DiscardAsync(offset, length, cancel);
        return true;
    }
}
