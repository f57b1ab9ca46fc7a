using System.Numerics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>What follows from the options and the images before anything is moved: the sizes that a conversion works in.</summary>
internal sealed class ConversionPlan
{
    // So much of what was read is still in a core's cache when it is written.
    private const int ChunkBytesPreferred = 256 << 10;

    // A turn that goes on to another thread has to wake it: that is not to be done too often.
    private const int ChunkBytesSpread = 1 << 20;
    private const int ChunkBytesMax = ImageConversionOptions.ChunkBytesMax;
    private const int ChunkBytesMin = 512;
    private const int BuffersBytesMax = 24 << 20;

    // A zero write may come to writing buffers: so much at once, that somebody may look at the clock in between.
    private const long ZeroBytesMax = 64 << 20;

    /// <summary>Looks at <paramref name="target"/>.</summary>
    public ConversionPlan(IReadOnlyList<BlockBackend> sources, BlockBackend target, ImageConversionOptions options)
    {
        Options = options;
        TotalBytes = LengthOf(sources, options);
        BlockNode root = target.Root ?? throw target.NoMedium();
        BlockNode layer = BackingChain.SkipFilters(root);
        long sparseBytes = options.SparseBytesMin > 0 ? 1L << BitOperations.Log2((ulong)options.SparseBytesMin) : 1;
        int clusterBytes = (options.IsCompressed ? layer.Instance.ClusterBytes : layer.Instance.SubclusterBytes) ?? 1;
        long unit = Math.Max(root.Limits.RequestAlignmentBytes, clusterBytes);

        // Beside what the source has there is what the target has already: not a byte more may be written. A hole that is told of is one, however short.
        UnitBytes = options.TakesAllocatedOnly ? 1 : (int)Math.Min(unit, ChunkBytesMax);
        bool isSpread = options.MaySpread && CanSpread(sources, target, options.MoreContexts);
        ChunkBytes = Math.Max(options.ChunkBytes ?? (isSpread ? ChunkBytesSpread : ChunkBytesPreferred), UnitBytes);
        DetectionBytes = (int)Math.Min(Math.Max(root.Limits.RequestAlignmentBytes, sparseBytes), ChunkBytesMax);

        // A disk that fails is read from its beginning to its end, and what is lost is told in that order.
        SlotCount = options.IsSalvaging ? 1 : Math.Clamp(BuffersBytesMax / ChunkBytes, 1, options.RequestCount);
        (Contexts, WriteContext) = isSpread ? Spread(sources, target, [.. options.MoreContexts.Where(context => context != target.Context).Distinct().Take(SlotCount - 1)]) : ([target.Context], null);
        MemoryAlignmentBytes = Math.Max(sources.Max(source => source.Root?.Limits.MemoryAlignmentBytes ?? 1), Math.Max(4096, root.Limits.MemoryAlignmentBytes));
        NewZeroesFrom = !options.TargetIsNew || !root.Instance.IsZeroWhenNew ? long.MaxValue
            : !options.TargetHasBacking ? 0
            : BackingChain.Next(layer)?.LengthBytes ?? 0;
    }

    /// <summary>How much is converted, holes included, in bytes.</summary>
    public long TotalBytes { get; }

    /// <summary>The options.</summary>
    public ImageConversionOptions Options { get; }

    /// <summary>Extents and chunks begin and end at multiples of this power of two in the target, in bytes.</summary>
    public int UnitBytes { get; }

    /// <summary>The longest chunk of data, in bytes; a multiple of the unit.</summary>
    public int ChunkBytes { get; }

    /// <summary>In which pieces data is looked at for zeros, in bytes.</summary>
    public int DetectionBytes { get; }

    /// <summary>How many chunks are under way at once.</summary>
    public int SlotCount { get; }

    /// <summary>On which contexts: the target's alone where order, speed or what is told asks for one.</summary>
    public IReadOnlyList<AioContext> Contexts { get; }

    /// <summary>Where chunks are written that were read elsewhere: one side is bound to its home, and the other is not, or to another one; null where a slot does everything where it is.</summary>
    public AioContext? WriteContext { get; }

    /// <summary>What buffers are aligned to, in bytes.</summary>
    public int MemoryAlignmentBytes { get; }

    /// <summary>From which offset of the target on nothing need be written to read as zeros.</summary>
    public long NewZeroesFrom { get; set; }

    /// <summary>Zeros are written as data.</summary>
    public bool WritesZeroesAsData => Options.SparseBytesMin == 0;

    /// <summary>The longest chunk of a kind, in bytes.</summary>
    public long LengthMaxOf(ConversionKind kind, long offset) =>
        kind == ConversionKind.Data || (kind == ConversionKind.Zero && WritesZeroesAsData) ? ChunkBytes
        : kind == ConversionKind.Zero && offset < NewZeroesFrom ? ZeroBytesMax
        : long.MaxValue;

    /// <summary>How many chunks of all are under way on one of the contexts.</summary>
    public int SlotCountOf(int contextIndex) => (SlotCount + Contexts.Count - 1 - contextIndex) / Contexts.Count;

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="BlockException">An option is out of its range, two contradict one another, or the target is too short.</exception>
    public static void Check(IReadOnlyList<BlockBackend> sources, BlockBackend target, ImageConversionOptions options)
    {
        if (options.SparseBytesMin < 0)
        {
            throw new BlockException($"The shortest run of zeros cannot be {options.SparseBytesMin} bytes");
        }

        if (options.RequestCount is < 1 or > ImageConversionOptions.RequestCountMax)
        {
            throw new BlockException($"{options.RequestCount} requests cannot be under way at once: between 1 and {ImageConversionOptions.RequestCountMax} can");
        }

        if (options.ChunkBytes is { } chunkBytes && (chunkBytes is < ChunkBytesMin or > ChunkBytesMax || !BitOperations.IsPow2(chunkBytes)))
        {
            throw new BlockException($"A chunk cannot be {chunkBytes} bytes: a power of two between {ChunkBytesMin} and {ChunkBytesMax} can");
        }

        if (options.RateBytesPerSecond < 0)
        {
            throw new BlockException($"A rate of {options.RateBytesPerSecond} bytes per second is none");
        }

        if (options is { IsCompressed: true, OffloadsCopies: true })
        {
            throw new BlockException("What drivers copy by themselves is not compressed");
        }

        if (options.SkippedBytes < 0 || options.LengthBytesMax < 0)
        {
            throw new BlockException($"There is no range of {options.LengthBytesMax} bytes at offset {options.SkippedBytes}");
        }

        long totalBytes = LengthOf(sources, options);
        if (target.LengthBytes < totalBytes)
        {
            throw new BlockException(BlockErrorKind.NoSpace, $"The target of {target.LengthBytes} bytes is smaller than the source of {totalBytes} bytes");
        }
    }

    /// <summary>True where requests of one side, or of both, can be carried out on any context.</summary>
    public static bool GainsFromContexts(IReadOnlyList<BlockBackend> sources, BlockBackend target) => sources.All(TakesAnyContext) || TakesAnyContext(target);

    private static bool TakesAnyContext(BlockBackend backend)
    {
        return backend.Root is { } root && Takes(root);

        static bool Takes(BlockNode node) => node.Instance.Affinity == RequestAffinity.AnyContext && node.Children.All(child => Takes(child.Node));
    }

    private static bool CanSpread(IReadOnlyList<BlockBackend> sources, BlockBackend target, IReadOnlyList<AioContext> more)
    {
        bool hasMore = more.Any(context => context != target.Context);
        return sources.All(TakesAnyContext) ? hasMore
            : HomeOf(sources) is { } home && (home != target.Context || (hasMore && TakesAnyContext(target)));
    }

    // Sides with different homes are each done at their own. What can be anywhere goes to other contexts where the rest is bound to its home, which is sent chunks and has none of its own.
    private static (IReadOnlyList<AioContext> Contexts, AioContext? WriteContext) Spread(IReadOnlyList<BlockBackend> sources, BlockBackend target, AioContext[] more)
    {
        if (sources.All(TakesAnyContext))
        {
            return TakesAnyContext(target) ? ([target.Context, .. more], null) : (more, target.Context);
        }

        AioContext home = HomeOf(sources) ?? target.Context;
        return ([home], more.Prepend(target.Context).First(context => context != home));
    }

    // Null where they have different ones.
    private static AioContext? HomeOf(IReadOnlyList<BlockBackend> sources) => sources.All(source => source.Context == sources[0].Context) ? sources[0].Context : null;

    private static long LengthOf(IReadOnlyList<BlockBackend> sources, ImageConversionOptions options) =>
        Math.Min(Math.Max(0, sources.Sum(source => source.LengthBytes) - options.SkippedBytes), options.LengthBytesMax ?? long.MaxValue);
}
