using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Storage of one megabyte whose reads tell another thread that they have arrived, and wait until it lets them go; they fill their buffers then.</summary>
internal sealed class ArrivalProtocol : BlockDriver, IDisposable
{
    private readonly ManualResetEventSlim _arrived = new();
    private PendingRead? _read;

    public override string Name => "arrival";

    public override string Summary => "reads wait for another thread, for tests";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    /// <summary>The buffer of the read that has arrived.</summary>
    public IoVector Buffer => _read!.Buffer;

    /// <summary>Waits, on any other thread, until a read has arrived.</summary>
    public void WaitForRead() => _arrived.Wait();

    /// <summary>Completes the read that has arrived with bytes of <paramref name="value"/>. Any thread.</summary>
    public void Complete(byte value)
    {
        _read!.Value = value;
        _read.Context.Send(_read);
    }

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Instance(this));

    public void Dispose() => _arrived.Dispose();

    private sealed class Instance(ArrivalProtocol protocol) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => 1 << 20;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            protocol._read = new PendingRead(AioContext.Current!, buffer);
            ValueTask task = protocol._read.Task;
            protocol._arrived.Set();
            return task;
        }
    }

    private sealed class PendingRead(AioContext context, IoVector buffer) : AioOperation(context)
    {
        public IoVector Buffer => buffer;

        public byte Value { get; set; }

        protected internal override void Run()
        {
            buffer.Fill(Value);
            Complete();
        }

        protected override void Recycle()
        {
            // Used once.
        }
    }
}
