namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What kind of finding a check of an image tells of.</summary>
public enum ImageFindingKind
{
    /// <summary>Metadata contradicts itself.</summary>
    Error,

    /// <summary>Space is taken and not used.</summary>
    Leak,

    /// <summary>Something could not be checked.</summary>
    Unchecked,

    /// <summary>Something is being mended.</summary>
    Repair,
}

/// <summary>One finding of a check of an image.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">For a person: one line, which begins with what it is.</param>
public readonly record struct ImageFinding(ImageFindingKind Kind, string Text);
