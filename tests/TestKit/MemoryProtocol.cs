using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>
/// Storage in memory, whose requests take a random time and may fail. What it stores outlives the node: tests look at
/// <see cref="Storage"/> by the name given as <c>filename</c>.
/// </summary>
public sealed class MemoryProtocol(SeededRandom? chance = null) : BlockDriver
{
    private readonly Dictionary<string, MemoryStorage> _storages = [];

    /// <inheritdoc/>
    public override string Name => "memory";

    /// <inheritdoc/>
    public override string Summary => "storage in memory, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override string ProtocolName => "memory";

    /// <inheritdoc/>
    public override bool NeedsFileName => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("filename", OptionType.String, "which storage") { IsRequired = true },
        new OptionDefinition("align", OptionType.Size, "request alignment in bytes") { Default = "1" },
        new OptionDefinition("zeroes", OptionType.Boolean, "zero without buffers") { Default = "off" },
        new OptionDefinition("latency-ns-max", OptionType.Integer, "the longest a request takes") { Default = "0" });

    /// <summary>The storage called <paramref name="name"/>; made on first use.</summary>
    public MemoryStorage Storage(string name, int lengthBytes = 1 << 20)
    {
        if (!_storages.TryGetValue(name, out MemoryStorage? storage))
        {
            storage = new MemoryStorage(lengthBytes);
            _storages.Add(name, storage);
        }

        return storage;
    }

    /// <inheritdoc/>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        options["filename"] = fileName["memory:".Length..];
    }

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        MemoryStorage storage = Storage(context.Options.GetString("filename")!);
        storage.OpenCount++;
        return Task.FromResult<BlockDriverInstance>(new Instance(
            storage, (int)context.Options.GetSize("align"), context.Options.GetBoolean("zeroes"), context.Options.GetInteger("latency-ns-max"), chance));
    }

    private sealed class Instance(MemoryStorage storage, int alignmentBytes, bool zeroes, long latencyNsMax, SeededRandom? chance) : BlockDriverInstance
    {
        public override BlockLimits Limits => new() { RequestAlignmentBytes = alignmentBytes };

        public override RequestFlags SupportedZeroFlags => zeroes ? RequestFlags.MayUnmap | RequestFlags.NoFallback : RequestFlags.None;

        protected override long GetLengthBytes() => storage.Bytes.Length;

        protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            Check(offset, buffer.Length);
            await WaitAsync();
            storage.Log.Add(new MemoryRequest(RequestKind.Read, offset, buffer.Length, flags));
            storage.ThrowIfFaulty(RequestKind.Read);
            int inside = Math.Clamp(storage.Bytes.Length - (int)offset, 0, buffer.Length);
            buffer.Slice(0, inside).CopyFrom(storage.Bytes.AsSpan((int)offset, inside));
            buffer.Slice(inside, buffer.Length - inside).Fill(0);
        }

        protected override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            Check(offset, buffer.Length);
            await WaitAsync();
            storage.Log.Add(new MemoryRequest(RequestKind.Write, offset, buffer.Length, flags));
            storage.ThrowIfFaulty(RequestKind.Write);
            if (offset + buffer.Length > storage.Bytes.Length)
            {
                storage.Resize((int)(offset + buffer.Length));
            }

            buffer.CopyTo(storage.Bytes.AsSpan((int)offset));
        }

        protected override async ValueTask FlushAsync(CancellationToken cancel)
        {
            await WaitAsync();
            storage.Log.Add(new MemoryRequest(RequestKind.Flush, 0, 0, RequestFlags.None));
            storage.ThrowIfFaulty(RequestKind.Flush);
        }

        protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (!zeroes)
            {
                return false;
            }

            Check(offset, length);
            await WaitAsync();
            storage.Log.Add(new MemoryRequest(RequestKind.WriteZeroes, offset, length, flags));
            storage.ThrowIfFaulty(RequestKind.WriteZeroes);
            storage.Bytes.AsSpan((int)offset, (int)length).Clear();
            return true;
        }

        protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            Check(offset, length);
            await WaitAsync();
            storage.Log.Add(new MemoryRequest(RequestKind.Discard, offset, length, RequestFlags.None));
            storage.Bytes.AsSpan((int)offset, (int)length).Clear();
            return true;
        }

        protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, CancellationToken cancel)
        {
            await WaitAsync();
            storage.Resize((int)lengthBytes);
            return true;
        }

        protected override ValueTask CloseAsync()
        {
            storage.OpenCount--;
            return default;
        }

        private void Check(long offset, long length)
        {
            Invariant.Check(offset % alignmentBytes == 0);
            Invariant.Check(length % alignmentBytes == 0);
        }

        private ValueTask WaitAsync()
        {
            AioContext context = AioContext.Current!;
            long delayNs = chance is null || latencyNsMax == 0 ? latencyNsMax : chance.NextLong(latencyNsMax);
            return delayNs == 0 ? context.YieldAsync() : context.DelayAsync(delayNs);
        }
    }
}

/// <summary>One request that reached a <see cref="MemoryStorage"/>.</summary>
public sealed record MemoryRequest(RequestKind Kind, long Offset, long LengthBytes, RequestFlags Flags);

/// <summary>The bytes of one <see cref="MemoryProtocol"/> image, and what happened to them.</summary>
public sealed class MemoryStorage(int lengthBytes)
{
    private BlockErrorKind? _fault;
    private RequestKind _faultKind;

    /// <summary>The bytes.</summary>
    public byte[] Bytes { get; private set; } = new byte[lengthBytes];

    /// <summary>The requests, in order of taking effect.</summary>
    public List<MemoryRequest> Log { get; } = [];

    /// <summary>How many nodes have it open.</summary>
    public int OpenCount { get; set; }

    /// <summary>Fails every request of <paramref name="kind"/> with <paramref name="error"/> until it is null.</summary>
    public void FailWith(RequestKind kind, BlockErrorKind? error)
    {
        _faultKind = kind;
        _fault = error;
    }

    internal void Resize(int length)
    {
        byte[] bytes = Bytes;
        Array.Resize(ref bytes, length);
        Bytes = bytes;
    }

    internal void ThrowIfFaulty(RequestKind kind)
    {
        if (_fault is { } error && kind == _faultKind)
        {
            throw new BlockException(error, error.ToErrnoText());
        }
    }
}
