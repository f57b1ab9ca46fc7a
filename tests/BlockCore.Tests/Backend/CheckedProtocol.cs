using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>An image whose check takes until the test lets it end, and finds three leaks.</summary>
internal sealed class CheckedProtocol : BlockDriver
{
    public override string Name => "checked";

    public override string Summary => "checks by hand, for tests";

    public override DriverCategory Category => DriverCategory.Protocol;

    public override OptionSchema Options { get; } = new();

    public CoQueue Finish { get; } = new();

    public bool IsOpen { get; private set; }

    public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        IsOpen = true;
        return Task.FromResult<BlockDriverInstance>(new Instance(this));
    }

    private sealed class Instance(CheckedProtocol protocol) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => 512;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;

        protected internal override async Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel)
        {
            await protocol.Finish.WaitAsync(cancel);
            Invariant.Check(protocol.IsOpen);
            return new ImageCheck { LeakCount = 3 };
        }

        protected internal override ValueTask CloseAsync()
        {
            protocol.IsOpen = false;
            return default;
        }
    }
}
