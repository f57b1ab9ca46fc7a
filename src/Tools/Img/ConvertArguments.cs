using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img;

/// <summary>What <c>img convert</c> was told.</summary>
internal sealed class ConvertArguments
{
    private const int CoroutineCountMax = 16;
    private const int SparseBytesMax = 16 << 20;
    private const int SectorBytes = 512;

    private string _targetCache = "unsafe";
    private long? _sparseBytes;
    private int _requestCount = 8;
    private long _rateBytesPerSecond;
    private bool _isOffloading;
    private bool _isOutOfOrder;

    /// <summary>How the sources are named.</summary>
    public SourceArguments Source { get; } = new();

    /// <summary>What is said of the new image.</summary>
    public CreateOptionsText NewImage { get; } = new();

    /// <summary>Anything is said of the new image.</summary>
    public bool HasNewImageOptions { get; private set; }

    /// <summary>The new image's format; null where nothing was said.</summary>
    public string? TargetFormat { get; private set; }

    /// <summary>The target is there already.</summary>
    public bool SkipsCreation { get; private set; }

    /// <summary>The target is named by an option string.</summary>
    public bool IsTargetOptions { get; private set; }

    /// <summary>The target is known to read as zeros.</summary>
    public bool IsTargetZero { get; private set; }

    /// <summary>Data is compressed.</summary>
    public bool IsCompressed { get; private set; }

    /// <summary>What cannot be read becomes zeros.</summary>
    public bool IsSalvaging { get; private set; }

    /// <summary>Bitmaps are copied, too.</summary>
    public bool CopiesBitmaps { get; private set; }

    /// <summary>Those that are inconsistent are left out.</summary>
    public bool SkipsBrokenBitmaps { get; private set; }

    /// <summary>The target's backing file, or null.</summary>
    public string? BackingFile { get; private set; }

    /// <summary>The target shows a backing file where nothing is written: it is named by an option of the command's own, or among those of the new image.</summary>
    public bool HasBacking => BackingFile is not null || NewImage.Names(CreateContext.BackingFileOption);

    /// <summary>The format of the target's backing file, or null.</summary>
    public string? BackingFormat { get; private set; }

    /// <summary>The snapshot of the source that is read, or null.</summary>
    public string? Snapshot { get; private set; }

    /// <summary>How the target is opened.</summary>
    /// <exception cref="BlockException">The cache mode is none.</exception>
    public IoOpenMode TargetMode =>
        new IoOpenMode { Discard = _sparseBytes == 0 ? "ignore" : "unmap" }.WithCacheMode(_targetCache) ?? throw new BlockException($"Invalid cache option: {_targetCache}");

    /// <summary>Takes an option; false for one that is not known.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    public bool TryTake(string option, string? value)
    {
        switch (option)
        {
            case "sparse-size":
                _sparseBytes = ReadSparseSize(value!);
                return true;
            case "coroutines":
                _requestCount = ReadCoroutines(value!);
                return true;
            case "rate-limit":
                _rateBytesPerSecond = ImgNumbers.ReadSize("rate limit", value!, long.MaxValue);
                return true;
            case "snapshot":
                SourceSnapshot.Check(value!);
                Snapshot = value;
                return true;
            default:
                return TryTakeWord(option, value) || TryTakeSwitch(option) || Source.TryTake(option, value);
        }
    }

    /// <summary>Holds them against each other and the operands.</summary>
    /// <exception cref="BlockException">They do not go together.</exception>
    public void Check(int operandCount)
    {
        if (Source.IsOptions)
        {
            Source.Check();
        }

        string? refusal =
            _isOffloading && _sparseBytes is not null ? "Cannot enable copy offloading when -S is used"
            : _isOffloading && IsCompressed ? "Cannot enable copy offloading when -c is used"
            : _isOffloading && IsSalvaging ? "Cannot use copy offloading in salvaging mode"
            : IsTargetOptions && !SkipsCreation ? "--target-image-opts requires use of -n flag"
            : SkipsCreation && HasNewImageOptions ? "-o has no effect when skipping image creation"
            : SkipsBrokenBitmaps && !CopiesBitmaps ? "Use of --skip-broken-bitmaps requires --bitmaps"
            : IsTargetZero && !SkipsCreation ? "--target-is-zero requires use of -n flag"
            : operandCount < 2 && !NewImage.IsHelpWanted ? "Must specify image file name"
            : null;
        if (refusal is not null)
        {
            throw new BlockException(refusal);
        }
    }

    /// <summary>The options of the conversion.</summary>
    /// <param name="isTargetNew">The target has just been made, or was said to be zero.</param>
    public ImageConversionOptions ToOptions(bool isTargetNew) => new()
    {
        SparseBytesMin = _sparseBytes ?? 4096,
        RequestCount = _requestCount,
        WritesOutOfOrder = _isOutOfOrder,
        OffloadsCopies = _isOffloading,
        IsCompressed = IsCompressed,
        TargetIsNew = isTargetNew,
        TargetHasBacking = HasBacking,
        IsSalvaging = IsSalvaging,
        RateBytesPerSecond = _rateBytesPerSecond,
    };

    private bool TryTakeWord(string option, string? value)
    {
        switch (option)
        {
            case "output-format":
                TargetFormat = value;
                return true;
            case "options":
                NewImage.Take(value!);
                HasNewImageOptions = true;
                return true;
            case "cache":
                _targetCache = value!;
                return true;
            case "backing-file":
                BackingFile = value;
                return true;
            case "backing-format":
                BackingFormat = value;
                return true;
            default:
                return false;
        }
    }

    private bool TryTakeSwitch(string option)
    {
        switch (option)
        {
            case "skip-create":
                return SkipsCreation = true;
            case "target-image-opts":
                return IsTargetOptions = true;
            case "target-is-zero":
                return IsTargetZero = true;
            case "compress":
                return IsCompressed = true;
            case "copy-offload":
                return _isOffloading = true;
            case "out-of-order":
                return _isOutOfOrder = true;
            case "salvage":
                return IsSalvaging = true;
            case "bitmaps":
                return CopiesBitmaps = true;
            case "skip-broken-bitmaps":
                return SkipsBrokenBitmaps = true;
            default:
                return false;
        }
    }

    private static long ReadSparseSize(string text)
    {
        const string What = "buffer size for sparse output";
        long bytes = ImgNumbers.ReadSize(What, text, long.MaxValue);
        return bytes % SectorBytes == 0 && bytes <= SparseBytesMax
            ? bytes
            : throw new BlockException(
                $"Invalid {What} specified. Valid sizes are multiples of {SectorBytes} up to {SparseBytesMax}. Select 0 to disable sparse detection (fully allocates output).");
    }

    private static int ReadCoroutines(string text)
    {
        try
        {
            int count = ImgNumbers.ReadNumber("number of coroutines", text);
            if (count is >= 1 and <= CoroutineCountMax)
            {
                return count;
            }
        }
        catch (BlockException)
        {
            // The text is the same whatever is wrong.
        }

        throw new BlockException($"Invalid number of coroutines. Allowed number of coroutines is between 1 and {CoroutineCountMax}");
    }
}
