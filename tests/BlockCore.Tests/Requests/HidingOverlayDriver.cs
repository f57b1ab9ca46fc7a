using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>An overlay of 1 MiB that can hide a longer backing node, and writes down what it was asked to hide.</summary>
internal sealed class HidingOverlayDriver : BlockDriver
{
    /// <summary>The flags of each change of length.</summary>
    public List<RequestFlags> Flags { get; } = [];

    public override string Name => "hiding";

    public override string Summary => "an overlay without data";

    public override DriverCategory Category => DriverCategory.Format;

    public override bool SupportsBacking => true;

    public override OptionSchema Options { get; } = new(new OptionDefinition("backing", OptionType.Child, "the child below") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        await context.OpenChildAsync("backing", ChildRole.Cow);
        return new Image(this);
    }

    private sealed class Image(HidingOverlayDriver driver) : BlockDriverInstance
    {
        private long _lengthBytes = 1 << 20;

        public override RequestFlags SupportedLengthFlags => RequestFlags.ZeroWrite;

        protected internal override long GetLengthBytes() => _lengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            buffer.Fill(0);
            return default;
        }

        protected internal override ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
        {
            driver.Flags.Add(flags);
            _lengthBytes = lengthBytes;
            return new(true);
        }
    }
}
