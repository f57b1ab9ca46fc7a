using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>One node over a <see cref="MemoryStorage"/>.</summary>
internal class MemoryInstance : BlockDriverInstance
{
    private readonly MemoryStorage _storage;
    private readonly SeededRandom? _chance;
    private readonly int _alignmentBytes;
    private readonly bool _zeroes;
    private readonly bool _copies;
    private readonly long _latencyNsMax;
    private readonly bool _isAnywhere;

    /// <summary>Opens <paramref name="storage"/>.</summary>
    /// <param name="storage">The bytes.</param>
    /// <param name="options">The node's options, of which <see cref="Definitions"/> are read.</param>
    /// <param name="chance">How long a request takes; null: always the longest.</param>
    public MemoryInstance(MemoryStorage storage, OptionReader options, SeededRandom? chance)
    {
        _storage = storage;
        _chance = chance;
        _alignmentBytes = (int)options.GetSize("align");
        _zeroes = options.GetBoolean("zeroes");
        _copies = options.GetBoolean("copies");
        _latencyNsMax = options.GetInteger("latency-ns-max");
        _isAnywhere = options.GetBoolean("any-context");
        storage.OpenCount++;
    }

    /// <summary>The options of a driver over such storage.</summary>
    public static OptionDefinition[] Definitions { get; } =
    [
        new("filename", OptionType.String, "which storage") { IsRequired = true, IsStrong = true },
        new("align", OptionType.Size, "request alignment in bytes") { Default = "1" },
        new("zeroes", OptionType.Boolean, "zero without buffers") { Default = "off" },
        new("copies", OptionType.Boolean, "copy from and to other such storage without buffers") { Default = "off" },
        new("any-context", OptionType.Boolean, "be called anywhere: where all contexts are of one thread") { Default = "off" },
        new("latency-ns-max", OptionType.Integer, "the longest a request takes") { Default = "0" },
    ];

    /// <inheritdoc/>
    public override RequestAffinity Affinity => _isAnywhere ? RequestAffinity.AnyContext : RequestAffinity.Home;

    /// <inheritdoc/>
    public override BlockLimits Limits => new() { RequestAlignmentBytes = _alignmentBytes };

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => _zeroes ? RequestFlags.MayUnmap | RequestFlags.NoFallback : RequestFlags.None;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => _zeroes;

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _storage.Bytes.Length;

    /// <inheritdoc/>
    protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await BeginAsync(RequestKind.Read, offset, buffer.Length, flags);
        _storage.CopyTo(buffer, offset);
    }

    /// <inheritdoc/>
    protected override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await BeginAsync(RequestKind.Write, offset, buffer.Length, flags);
        _storage.CopyFrom(buffer, offset);
    }

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => BeginAsync(RequestKind.Flush, 0, 0, RequestFlags.None);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (!_zeroes)
        {
            return false;
        }

        await BeginAsync(RequestKind.WriteZeroes, offset, length, flags);
        _storage.Zero(offset, length);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await BeginAsync(RequestKind.Discard, offset, length, RequestFlags.None);
        _storage.Clear(offset, length);
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        _copies ? target.Child.TryCopyToAsync(new CopySource(Node, offset), target.Offset, length, flags, cancel) : new(false);

    /// <summary>From memory to memory, at the moment at which it takes effect.</summary>
    protected override async ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (!_copies || source.Node.Instance is not MemoryInstance { _copies: true } from)
        {
            return false;
        }

        await BeginAsync(RequestKind.Write, offset, length, flags);
        byte[] bytes = new byte[length];
        from._storage.CopyTo(bytes, source.Offset);
        _storage.CopyFrom(bytes, offset);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        // Memory is there as soon as it has an address; there are no tables that could lead to it.
        if (preallocation == PreallocationMode.Metadata)
        {
            throw preallocation.ToRefusal();
        }

        await WaitAsync();
        _storage.Resize(checked((int)lengthBytes));
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        _storage.OpenCount--;
        return default;
    }

    // What takes effect does so in the order of the log.
    private async ValueTask BeginAsync(RequestKind kind, long offset, long length, RequestFlags flags)
    {
        Invariant.Check(offset % _alignmentBytes == 0);
        Invariant.Check(length % _alignmentBytes == 0);
        await WaitAsync();
        _storage.Log.Add(new MemoryRequest(kind, offset, length, flags));
        _storage.ThrowIfFaulty(kind);
    }

    private ValueTask WaitAsync()
    {
        AioContext context = AioContext.Current!;
        long delayNs = _chance is null || _latencyNsMax == 0 ? _latencyNsMax : _chance.NextLong(_latencyNsMax);
        return delayNs == 0 ? context.YieldAsync() : context.DelayAsync(delayNs);
    }
}
