namespace BlockGraph.BlockCore.Throttling;

/// <summary>What a note about limits is about.</summary>
public enum ThrottleNoteKind
{
    /// <summary>A burst of one second is a pool, not a ceiling.</summary>
    Pool,

    /// <summary>A burst that is no faster than the rate never ends.</summary>
    EndlessBurst,

    /// <summary>Operations are limited, and nothing counts how large they are.</summary>
    RequestSizeIgnored,

    /// <summary>Reads and writes that wait for a shared limit may start in pairs.</summary>
    SharedOvershoot,

    /// <summary>The bucket holds less than one request.</summary>
    SmallCapacity,

    /// <summary>One large request is let through and holds those behind it for long.</summary>
    LargeDebt,
}

/// <summary>Something that people do not expect of the limits they have set.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Meter">The meter that it is about.</param>
/// <param name="Text">One sentence, with exact numbers.</param>
public sealed record ThrottleNote(ThrottleNoteKind Kind, ThrottleMeter Meter, string Text);
