using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img convert</c>: copies an image, or several one after the other, into a new one of any format.</summary>
internal sealed class ConvertVerb : ImgVerb
{
    private readonly ConvertArguments _arguments = new();
    private readonly HashSet<long> _toldOffsets = [];

    /// <inheritdoc/>
    public override string Name => "convert";

    /// <inheritdoc/>
    public override string Summary => "Copy an image, or several one after the other, into a new one of any format; holes stay holes.";

    /// <inheritdoc/>
    public override string Usage => "FILENAME [FILENAME2...] OUTPUT_FILENAME";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
    [
        "An interrupt (^C) closes the target and ends with exit code 130; the target is then incomplete. SIGUSR1 tells how far it has come.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["convert -p -O raw old.img new.img", "convert -n -m 16 -W disk.img /dev/sdb", "convert --salvage broken.img rescued.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { Help = "the sources' format; probed without it", IsLetterOnly = true },
        new('O', "output-format", "the target's format (default: raw)", "FMT") { IsLetterOnly = true },
        new('o', "options", "how the target is made; 'help' lists what can be said", "KEY=VALUE,...") { IsLetterOnly = true },
        new('B', "backing-file", "the target's backing file: what it has is not copied", "FILENAME") { IsLetterOnly = true },
        new('F', "backing-format", "the backing file's format", "FMT") { IsLetterOnly = true },
        new('n', "skip-create", "the target is there already") { IsLetterOnly = true },
        new('\0', "target-is-zero", "the target reads as zeros; with -n"),
        new('\0', "target-image-opts", "the target is named by an option string; with -n"),
        new('S', "sparse-size", "the shortest run of zeros that is left out (default: 4k); 0 writes all of them", "BYTES") { IsLetterOnly = true },
        new('m', "coroutines", "how many chunks are under way at once, from 1 to 16 (default: 8)", "N") { IsLetterOnly = true },
        new('W', "out-of-order", "write in any order") { IsLetterOnly = true },
        new('C', "copy-offload", "have the drivers copy by themselves, where they can") { IsLetterOnly = true },
        new('c', "compress", "compress data; for formats that can") { IsLetterOnly = true },
        new('r', "rate-limit", "write no faster than this, in bytes per second", "BYTES") { IsLetterOnly = true },
        new('\0', "salvage", "what cannot be read becomes zeros"),
        new('\0', "bitmaps", "copy the source's persistent bitmaps, too"),
        new('\0', "skip-broken-bitmaps", "leave out those that are inconsistent"),
        new('l', "snapshot", "read a snapshot of the source instead of what it is now", "SNAPSHOT") { IsLetterOnly = true },
        ImgOption.Cache with { Help = "writeback, none, writethrough, directsync or unsafe: how the target is cached (default: unsafe)" },
        ImgOption.SourceCache with { Help = "the same for the sources (default: writeback)" },
        ImgOption.Progress,
        ImgOption.Quiet,
        ImgOption.ForceShare with { Help = "read sources that are in use; what is seen may be out of date" },
        ImgOption.Object,
        ImgOption.ImageOpts with { Help = "sources are named by option strings (key=value,...)" },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands) => _arguments.Check(operands.Count);

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) =>
        _arguments.NewImage.IsHelpWanted
            ? Task.FromResult(PrintHelp(call))
            : ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => ConvertAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        if (!_arguments.TryTake(option, value))
        {
            throw NoSuchOption(option);
        }
    }

    private int PrintHelp(ImgCall call)
    {
        ImageCreation creation = new(call.World.Graph, _arguments.TargetFormat ?? "raw", call.Operands.Count > 0 ? call.Operands[^1] : "");
        CreateOptionsText.PrintHelp(call.Out, creation.Format, call.Operands.Count > 0 ? creation.Options : null);
        return 0;
    }

    private async Task<int> ConvertAsync(ImgCall call, CancellationToken cancel)
    {
        List<BlockBackend> sources = [];
        using ImgProgress progress = new(call, _arguments.Source.ShowsProgress);
        progress.Begin();
        try
        {
            await OpenSourcesAsync(call, sources, cancel);
            ConvertBitmaps? bitmaps = _arguments.CopiesBitmaps ? new ConvertBitmaps(call, BackingChain.SkipFilters(sources[0].Root!), _arguments.SkipsBrokenBitmaps) : null;
            await PrepareSourcesAsync(sources, bitmaps);
            ConvertTarget target = new(call, _arguments, call.Operands[^1]);
            await target.PrepareAsync(sources, cancel);
            if (_arguments is { IsTargetZero: true, HasBacking: true })
            {
                call.Fail("Cannot use --target-is-zero when the destination image has a backing file");
                return 0;
            }

            try
            {
                BlockBackend backend = await target.OpenAsync(cancel);
                await RunAsync(call, sources, target, backend, bitmaps, progress, cancel);
                return 0;
            }
            catch (OperationCanceledException cancelled)
            {
                throw new IncompleteTargetException(target.Name, cancelled);
            }
        }
        finally
        {
            progress.End();
            foreach (BlockBackend source in sources)
            {
                await source.DisposeAsync();
            }
        }
    }

    private async Task OpenSourcesAsync(ImgCall call, List<BlockBackend> sources, CancellationToken cancel)
    {
        foreach (string name in call.Operands.SkipLast(1))
        {
            // What is converted onto itself would be gone before it is read.
            ImageArgument source = _arguments.Source.ImageOf(name, _arguments.Source.ReadMode) with { ExcludesWriters = true };
            sources.Add(await source.OpenAsync(call.World, call.Name, call.Warn, cancel));
        }
    }

    private async Task PrepareSourcesAsync(List<BlockBackend> sources, ConvertBitmaps? bitmaps)
    {
        if (_arguments.HasBacking && sources.Count > 1)
        {
            throw new BlockException("Having a backing file for the target makes no sense when concatenating multiple input images");
        }

        if (_arguments.CopiesBitmaps && sources.Count > 1)
        {
            throw new BlockException("Copying bitmaps only possible with single source");
        }

        if (_arguments.Snapshot is { } snapshot)
        {
            if (sources.Count > 1 && !SourceSnapshot.IsOptions(snapshot))
            {
                throw new BlockException("No support for concatenating multiple snapshot");
            }

            await SourceSnapshot.ShowAsync(sources[0], snapshot);
        }

        bitmaps?.CheckSource();
    }

    private async Task RunAsync(ImgCall call, List<BlockBackend> sources, ConvertTarget target, BlockBackend backend, ConvertBitmaps? bitmaps, ImgProgress progress, CancellationToken cancel)
    {
        try
        {
            await using (backend)
            {
                target.CheckLength(sources, backend);
                BlockNode node = BackingChain.SkipFilters(backend.Root!);
                if (bitmaps is not null)
                {
                    ConvertBitmaps.CheckTarget(node);
                }

                ImageConversionOptions options = _arguments.ToOptions(target.IsNew);
                options = options with
                {
                    CountsBeforehand = _arguments.Source.ShowsProgress || options.IsSalvaging,
                    OnUnreadable = range => TellUnreadable(call, range),
                    OnUnknownStatus = range => TellUnknownStatus(call, range),
                };
                await CopyAsync(call, sources, backend, options, progress, cancel);
                if (bitmaps is not null)
                {
                    await bitmaps.CopyAsync(node, cancel);
                }

                progress.Complete();
            }
        }
        catch (BlockException failure) when (call.Name.FollowsTexts && failure.Kind == BlockErrorKind.NotSupported && failure.InnerException is BlockException cause && failure.Message.EndsWith(cause.Message, StringComparison.Ordinal))
        {
            throw new BlockException(failure.Kind, failure.Message[..^cause.Message.Length] + call.Name.TextOf(failure), failure);
        }
        catch (BlockException failure) when (!call.Name.FollowsTexts && failure.Hint is null)
        {
            throw new BlockException(failure.Kind, failure.Message, failure) { Hint = $"'{call.Operands[^1]}' is incomplete" };
        }
    }

    // By the well-known name a request that fails does so in the words of its kind, behind where it was.
    private static async Task CopyAsync(ImgCall call, List<BlockBackend> sources, BlockBackend target, ImageConversionOptions options, ImgProgress progress, CancellationToken cancel)
    {
        try
        {
            await using ConversionThreads threads = await ConversionThreads.StartAsync(call.World, options, sources, target);
            await ImageConversion.RunAsync(sources, target, options with { MoreContexts = threads.Contexts }, progress, cancel);
        }
        catch (BlockException failure) when (call.Name.FollowsTexts && failure.InnerException is BlockException cause && failure.Message.EndsWith($": {cause.Message}", StringComparison.Ordinal))
        {
            throw new BlockException(failure.Kind, failure.Message[..^cause.Message.Length] + call.Name.TextOf(cause), failure);
        }
    }

    // The well-known name tells of it whenever it asks: before the conversion, and in the course of it.
    private void TellUnknownStatus(ImgCall call, UnreadableRange range)
    {
        if (!_arguments.Source.IsQuiet && (call.Name.FollowsTexts || _toldOffsets.Add(range.OffsetBytes)))
        {
            Complaint.Warn(call.Console, call.Name.Program, $"error while reading block status at offset {range.OffsetBytes}: {call.Name.TextOf(range.Error)}");
        }
    }

    // The well-known name tells of each sector.
    private void TellUnreadable(ImgCall call, UnreadableRange range)
    {
        if (_arguments.Source.IsQuiet)
        {
            return;
        }

        const int SectorBytes = 512;
        if (!call.Name.FollowsTexts)
        {
            Complaint.Warn(call.Console, call.Name.Program, $"{range.LengthBytes} bytes at offset {range.OffsetBytes} could not be read and became zeros: {range.Error.Message}");
            return;
        }

        for (long done = 0; done < range.LengthBytes; done += SectorBytes)
        {
            Complaint.Warn(call.Console, call.Name.Program, $"error while reading offset {range.OffsetBytes + done}: {call.Name.TextOf(range.Error)}");
        }
    }
}
