using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>Storage that completes every request inside its submission, and remembers where it was and how deep in the stack.</summary>
internal sealed class ImmediateDriver(long lengthBytes) : BlockDriver
{
    public List<long> Offsets { get; } = [];

    public int FlushCount { get; private set; }

    /// <summary>The call that fails, from 1; 0 for none.</summary>
    public int FailingCall { get; init; }

    /// <summary>What stands between a call and the top of the stack, at most.</summary>
    public int StackFrameCountMax { get; private set; }

    public override string Name => "immediate";

    public override string Summary => "for tests";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) =>
        Task.FromResult<BlockDriverInstance>(new Instance(this, lengthBytes));

    private ValueTask Call(long offset)
    {
        Offsets.Add(offset);

        // Looking at the stack is slow: now and then is enough to see it grow.
        if (Offsets.Count % 100 == 0)
        {
            StackFrameCountMax = Math.Max(StackFrameCountMax, new System.Diagnostics.StackTrace(false).FrameCount);
        }

        return Offsets.Count == FailingCall
            ? ValueTask.FromException(new BlockException(BlockErrorKind.InputOutput, $"call {FailingCall} fails"))
            : default;
    }

    private sealed class Instance(ImmediateDriver driver, long lengthBytes) : BlockDriverInstance
    {
        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => driver.Call(offset);

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => driver.Call(offset);

        protected override ValueTask FlushAsync(CancellationToken cancel)
        {
            driver.FlushCount++;
            return default;
        }

        protected override long GetLengthBytes() => lengthBytes;
    }
}
