namespace BlockGraph.Tools.Img;

/// <summary>What <c>img bench</c> does: how many requests, where, how many at once. The defaults are those of <c>qemu-img bench</c>.</summary>
internal sealed record ImgBenchLoad
{
    /// <summary>How many requests.</summary>
    public int RequestCount { get; init; } = 75_000;

    /// <summary>How many of them are under way at once.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>The length of every request, in bytes.</summary>
    public int SizeBytes { get; init; } = 4096;

    /// <summary>How far the next request lies behind the last, in bytes; 0 for as far as it is long.</summary>
    public int StepBytes { get; init; }

    /// <summary>Where the first request lies, in bytes.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>Whether it writes; otherwise it reads.</summary>
    public bool IsWrite { get; init; }

    /// <summary>What the buffers hold beforehand.</summary>
    public byte Pattern { get; init; }

    /// <summary>There is a flush whenever the number of requests still to be submitted is a multiple of this; 0 for no flush.</summary>
    public int FlushInterval { get; init; }

    /// <summary>A flush waits for the requests under way, and the next requests for the flush; otherwise it goes beside them.</summary>
    public bool DrainsToFlush { get; init; } = true;

    /// <summary>How far the next request lies behind the last, in bytes.</summary>
    public int EffectiveStepBytes => StepBytes == 0 ? SizeBytes : StepBytes;

    /// <summary>How many requests there can be at once.</summary>
    public int SlotCount => Math.Min(Depth, RequestCount);
}
