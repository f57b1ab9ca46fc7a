namespace BlockGraph.BlockCore.Options;

/// <summary>How the reading of a number or a size ended.</summary>
public enum NumberTextStatus
{
    /// <summary>The text is a number that fits.</summary>
    Ok,

    /// <summary>The text is not a number of this grammar.</summary>
    Malformed,

    /// <summary>The text is a number of this grammar, and does not fit.</summary>
    OutOfRange,
}
