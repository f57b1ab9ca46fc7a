using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit;

/// <summary>A filter whose work the test switches on and off: while it has none, plans skip it.</summary>
public sealed class SwitchFilterDriver : BlockDriver
{
    /// <summary>The filters, in order of opening.</summary>
    public List<SwitchFilter> Opened { get; } = [];

    /// <inheritdoc/>
    public override string Name => "switch-filter";

    /// <inheritdoc/>
    public override string Summary => "counts requests while it is switched on, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Filter;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    /// <inheritdoc/>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        SwitchFilter filter = new(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary));
        Opened.Add(filter);
        return filter;
    }
}

/// <summary>One filter of a <see cref="SwitchFilterDriver"/>.</summary>
public sealed class SwitchFilter : BlockDriverInstance
{
    private readonly BlockChild _file;

    internal SwitchFilter(BlockChild file) => _file = file;

    /// <summary>True while it wants to see requests.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>How many reads and writes came by.</summary>
    public int SeenCount { get; private set; }

    /// <summary>How many drains of the node have begun minus ended, as its driver hears of them.</summary>
    public int DrainDepth { get; private set; }

    /// <summary>Gives the filter work, or takes it away; the next request obeys.</summary>
    public void SwitchTo(bool isBusy)
    {
        IsBusy = isBusy;
        Node.Graph.BumpEpoch();
    }

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _file.LengthBytes;

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = _file;
        shiftBytes = 0;
        return !IsBusy;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        SeenCount++;
        return _file.ReadAsync(offset, buffer, flags, cancel);
    }

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        SeenCount++;
        return _file.WriteAsync(offset, buffer, flags, cancel);
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await _file.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await _file.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <summary>While it is switched on it wants to see what is read and written.</summary>
    protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        IsBusy ? new(false) : _file.TryCopyFromAsync(offset, length, target, flags, cancel);

    /// <inheritdoc cref="TryCopyFromAsync"/>
    protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        IsBusy ? new(false) : _file.TryCopyToAsync(source, offset, length, flags, cancel);

    /// <inheritdoc/>
    protected override void DrainBegin() => DrainDepth++;

    /// <inheritdoc/>
    protected override void DrainEnd() => DrainDepth--;
}
