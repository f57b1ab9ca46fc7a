using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Simulation.Tests.Throttling;

/// <summary>A filter that tells of each request that passes it: above a throttle it sees who comes, below it who was admitted, and in which order.</summary>
internal sealed class ThrottleProbeDriver(Action<ThrottlePassage> passed) : BlockDriver
{
    public override string Name => "probe";

    public override string Summary => "tells of each request that passes, for tests";

    public override DriverCategory Category => DriverCategory.Filter;

    public override bool SupportsReopen => true;

    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ProbeInstance(await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary), passed);
    }

    private sealed class ProbeInstance(BlockChild file, Action<ThrottlePassage> passed) : BlockDriverInstance
    {
        public override RequestFlags SupportedZeroFlags => RequestFlags.MayUnmap | RequestFlags.NoFallback;

        protected internal override long GetLengthBytes() => file.LengthBytes;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            passed(new ThrottlePassage(Node, ThrottleDirection.Read, offset, buffer.Length));
            return file.ReadAsync(offset, buffer, flags, cancel);
        }

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            passed(new ThrottlePassage(Node, ThrottleDirection.Write, offset, buffer.Length));
            return file.WriteAsync(offset, buffer, flags, cancel);
        }

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            passed(new ThrottlePassage(Node, ThrottleDirection.Write, offset, length));
            await file.WriteZeroesAsync(offset, length, flags, cancel);
            return true;
        }

        protected internal override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            passed(new ThrottlePassage(Node, ThrottleDirection.Write, offset, length));
            await file.DiscardAsync(offset, length, cancel);
            return true;
        }
    }
}

/// <summary>One request at one probe.</summary>
internal readonly record struct ThrottlePassage(BlockNode Node, ThrottleDirection Direction, long Offset, long LengthBytes);
