using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>A filter that makes use of what the core offers a layer beside reading and writing: each hook is an option.</summary>
internal sealed class HookFilterDriver : BlockDriver
{
    /// <summary>What came by: each event by its name, and reads and writes as <c>verb offset+length</c>.</summary>
    public List<string> Log { get; } = [];

    public override string Name => "hooks";

    public override string Summary => "uses every hook, for tests";

    public override DriverCategory Category => DriverCategory.Filter;

    public override OptionSchema Options { get; } = new(
        new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true },
        new OptionDefinition("align", OptionType.Size, "request alignment in bytes") { Default = "1" },
        new OptionDefinition("hears", OptionType.Boolean, "listen to debug events") { Default = "off" },
        new OptionDefinition("serialises", OptionType.Boolean, "one write of a place at a time") { Default = "off" },
        new OptionDefinition("flushes", OptionType.Boolean, "flush the child, or not, as it likes") { Default = "off" });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        int alignmentBytes = (int)context.Options.GetSize("align");
        bool hears = context.Options.GetBoolean("hears");
        bool serialises = context.Options.GetBoolean("serialises");
        bool flushes = context.Options.GetBoolean("flushes");
        return new Image(this, await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary), alignmentBytes, hears, serialises, flushes);
    }

    private sealed class Image(HookFilterDriver driver, BlockChild file, int alignmentBytes, bool hears, bool serialises, bool flushes) : BlockDriverInstance
    {
        public override BlockLimits Limits => new() { RequestAlignmentBytes = alignmentBytes };

        public override bool HearsDebugEvents => hears;

        public override bool SerialisesWrites => serialises;

        public override bool FlushesChildren => flushes;

        protected internal override long GetLengthBytes() => file.LengthBytes;

        protected internal override async ValueTask OnDebugEventAsync(DebugEvent debugEvent)
        {
            driver.Log.Add(debugEvent.ToName());
            await AioContext.Current!.YieldAsync();
        }

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            driver.Log.Add($"read {offset}+{buffer.Length}");
            return file.ReadAsync(offset, buffer, flags, cancel);
        }

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            driver.Log.Add($"write {offset}+{buffer.Length}");
            return file.WriteAsync(offset, buffer, flags, cancel);
        }

        protected internal override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            await file.WriteZeroesAsync(offset, length, flags, cancel);
            return true;
        }
    }
}
