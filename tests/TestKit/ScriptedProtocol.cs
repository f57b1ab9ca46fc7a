using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>Storage whose requests stay pending until the test completes them by hand, in any order.</summary>
public sealed class ScriptedProtocol : BlockDriver
{
    /// <summary>The requests that have arrived and not been completed, in order of arrival.</summary>
    public List<PendingRequest> Pending { get; } = [];

    /// <summary>How many drains have begun minus ended on the last node opened.</summary>
    public int DrainDepth { get; private set; }

    /// <inheritdoc/>
    public override string Name => "scripted";

    /// <inheritdoc/>
    public override string Summary => "storage completed by hand, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(new OptionDefinition("size", OptionType.Size, "length in bytes") { Default = "1M" });

    /// <inheritdoc/>
    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult<BlockDriverInstance>(new Instance(this, context.Options.GetSize("size")));
    }

    private sealed class Instance(ScriptedProtocol script, long lengthBytes) : BlockDriverInstance
    {
        protected override long GetLengthBytes() => lengthBytes;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Add(RequestKind.Read, offset, buffer);

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => Add(RequestKind.Write, offset, buffer);

        protected override void DrainBegin() => script.DrainDepth++;

        protected override void DrainEnd() => script.DrainDepth--;

        private ValueTask Add(RequestKind kind, long offset, IoVector buffer)
        {
            PendingRequest request = new(AioContext.Current!, script, kind, offset, buffer);
            script.Pending.Add(request);
            return request.Task;
        }
    }
}

/// <summary>One request of a <see cref="ScriptedProtocol"/>: complete it, or fail it, from its context.</summary>
public sealed class PendingRequest : AioOperation
{
    private readonly ScriptedProtocol _script;

    internal PendingRequest(AioContext context, ScriptedProtocol script, RequestKind kind, long offset, IoVector buffer)
        : base(context)
    {
        _script = script;
        Kind = kind;
        Offset = offset;
        Buffer = buffer;
    }

    /// <summary>What it does.</summary>
    public RequestKind Kind { get; }

    /// <summary>Where, in bytes.</summary>
    public long Offset { get; }

    /// <summary>The caller's memory.</summary>
    public IoVector Buffer { get; }

    /// <summary>Completes it on the next step of its context.</summary>
    public void Succeed()
    {
        _script.Pending.Remove(this);
        Context.Send(this);
    }

    /// <summary>Fails it at once; from the loop's own frame.</summary>
    public void FailNow(Exception error)
    {
        _script.Pending.Remove(this);
        Fail(error);
    }

    /// <inheritdoc/>
    protected override void Run() => Complete();

    /// <inheritdoc/>
    protected override void Recycle()
    {
        // Used once.
    }
}
