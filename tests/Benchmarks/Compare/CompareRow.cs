namespace BlockGraph.Benchmarks.Compare;

/// <summary>One row of the comparison: a load that both programs drive, and what the ratio of CPU a request must be and should be.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Store">Where its image is.</param>
/// <param name="Depth">Requests under way at once.</param>
/// <param name="Must">The largest ratio that is no failure.</param>
/// <param name="Aim">The ratio that is hoped for.</param>
internal sealed record CompareRow(string Name, ImageStore Store, int Depth, double Must, double Aim)
{
    /// <summary>How many requests a run of ours has: enough for half a second or so of CPU, so that starting the program is little of it.</summary>
    public required long Count { get; init; }

    /// <summary>How many requests a run of QEMU's has.</summary>
    public required long QemuCount { get; init; }

    /// <summary>The length of a request, in bytes.</summary>
    public int SizeBytes { get; init; } = TestImage.BlockBytes;

    /// <summary>How far a request lies behind the one before, in bytes; 0 for as far as it is long.</summary>
    public int StepBytes { get; init; }

    /// <summary>Whether it writes.</summary>
    public bool IsWrite { get; init; }

    /// <summary>Whether it bypasses the page cache.</summary>
    public bool IsDirect { get; init; }

    /// <summary>What kind of image.</summary>
    public ImageKind Kind { get; init; } = ImageKind.Raw;

    /// <summary>What to open where there is no image.</summary>
    public string Options { get; init; } = "driver=null-co,size=1G";

    /// <summary>How far a request lies behind the one before, in bytes.</summary>
    public int EffectiveStepBytes => StepBytes == 0 ? SizeBytes : StepBytes;
}
