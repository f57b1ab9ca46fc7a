using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Storage, of 64 KiB if nothing else is said, that may be called from several contexts at once, and writes down which call came from where.</summary>
internal sealed class SharedProtocol(SeededRandom? chance = null, string name = "shared", int lengthBytes = 1 << 16) : BlockDriver
{
    private readonly SeededRandom? _chance = chance;
    private readonly Lock _lock = new();
    private readonly List<SharedCall> _log = [];
    private readonly byte[] _bytes = new byte[lengthBytes];

    public override string Name => name;

    public override string Summary => "storage of several contexts, for tests";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new(
        new OptionDefinition("any-context", OptionType.Boolean, "be called anywhere") { Default = "on" },
        new OptionDefinition("fua", OptionType.Boolean, "make single writes durable") { Default = "off" },
        new OptionDefinition("zeroes", OptionType.Boolean, "zero without buffers") { Default = "off" });

    public IReadOnlyList<SharedCall> Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    public byte[] Bytes
    {
        get
        {
            lock (_lock)
            {
                return [.. _bytes];
            }
        }
    }

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        OptionReader options = context.Options;
        return Task.FromResult<BlockDriverInstance>(new Instance(this, options.GetBoolean("any-context"), options.GetBoolean("fua"), options.GetBoolean("zeroes")));
    }

    private sealed class Instance(SharedProtocol protocol, bool isAnywhere, bool hasFua, bool hasZeroes) : BlockDriverInstance
    {
        public override RequestAffinity Affinity => isAnywhere ? RequestAffinity.AnyContext : RequestAffinity.Home;

        public override RequestFlags SupportedWriteFlags => hasFua ? RequestFlags.Fua : RequestFlags.None;

        public override RequestFlags SupportedZeroFlags => hasFua ? RequestFlags.Fua : RequestFlags.None;

        protected internal override long GetLengthBytes() => protocol._bytes.Length;

        protected internal override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            await BeginAsync();
            lock (protocol._lock)
            {
                Add(RequestKind.Read, offset, buffer.Length, flags);
                buffer.CopyFrom(protocol._bytes.AsSpan((int)offset, buffer.Length));
            }
        }

        protected internal override async ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            await BeginAsync();
            lock (protocol._lock)
            {
                Add(RequestKind.Write, offset, buffer.Length, flags);
                buffer.CopyTo(protocol._bytes.AsSpan((int)offset));
            }
        }

        protected internal override async ValueTask FlushAsync(CancellationToken cancel)
        {
            await BeginAsync();
            lock (protocol._lock)
            {
                Add(RequestKind.Flush, 0, 0, RequestFlags.None);
            }
        }

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (!hasZeroes)
            {
                return false;
            }

            await BeginAsync();
            lock (protocol._lock)
            {
                Add(RequestKind.WriteZeroes, offset, length, flags);
                protocol._bytes.AsSpan((int)offset, (int)length).Clear();
            }

            return true;
        }

        // Where the core may call, and what it must have kept still.
        private ValueTask BeginAsync()
        {
            AioContext context = AioContext.Current!;
            Invariant.Check(isAnywhere || ReferenceEquals(context, Node.Context));
            return protocol._chance is null ? context.YieldAsync() : context.DelayAsync(protocol._chance.NextLong(2000));
        }

        private void Add(RequestKind kind, long offset, long length, RequestFlags flags) =>
            protocol._log.Add(new SharedCall(kind, offset, length, flags, AioContext.Current!.Name));
    }
}

/// <summary>One call that reached a <see cref="SharedProtocol"/>.</summary>
internal sealed record SharedCall(RequestKind Kind, long Offset, long LengthBytes, RequestFlags Flags, string Context);
