namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// Every difference between this project's own semantics and QEMU's, in one object. docs/compatibility.md is its table: a
/// deviation that is not a cell of it is a bug.
/// </summary>
public sealed record CompatibilityProfile
{
    /// <summary>This project's own defaults.</summary>
    public static CompatibilityProfile Own { get; } = new() { Name = "own" };

    /// <summary>What scripts written for QEMU's programs expect.</summary>
    public static CompatibilityProfile Qemu { get; } = new()
    {
        Name = "qemu",
        ProbesFilterChild = false,
        WritableBackendsShareWrite = true,
        ThrottleNodesTakeLimits = false,
        ThrottleGroupIsOptional = false,
        ThrottleChangeResetsLevels = true,
        ThrottleRangeTextHasBlank = false,
        SuggestsNearestOption = false,
        FilesHaveWholeSectors = true,
        ImplicitOpenGate = ImplicitOpenGate.AllowEverything,
        DowngradeDropsBitmaps = true,
        UsesLegacyAes = true,
        DdCountIncludesSkipped = true,
        AsksDataFilesForHoles = false,
        DdWritesZeros = true,
        CompressedWritesReplace = false,
        ComparesWholeStatus = true,
        GrowthMarksAllZeros = true,
        TellsUnknownOptionsLast = true,
        AmendsBackingFile = false,
        RebuildsCounts = true,
        DowngradeChangesLengthFirst = true,
        KnowsUnopenedBacking = false,
        RefusesWrongDrivers = false,
        TakesOwnChildren = false,
    };

    /// <summary>What the profile is called: <c>own</c> or <c>qemu</c>.</summary>
    public required string Name { get; init; }

    /// <summary>A filter's inline child without a driver is probed like a top-level image.</summary>
    public bool ProbesFilterChild { get; init; } = true;

    /// <summary>Two writers of one node or file tolerate each other unless told otherwise.</summary>
    public bool WritableBackendsShareWrite { get; init; }

    /// <summary>A throttle node takes <c>limits.*</c>; otherwise they are unknown options.</summary>
    public bool ThrottleNodesTakeLimits { get; init; } = true;

    /// <summary>A throttle node without a group gets an anonymous one; otherwise it is refused.</summary>
    public bool ThrottleGroupIsOptional { get; init; } = true;

    /// <summary>New limits forgive all debt; otherwise debt is kept in proportion.</summary>
    public bool ThrottleChangeResetsLevels { get; init; }

    /// <summary>A burst length out of range in a flat key of a group object is told with a blank in <c>the range</c>.</summary>
    public bool ThrottleRangeTextHasBlank { get; init; } = true;

    /// <summary>A file of the host counts as long as the sectors of 512 bytes that it takes; what the last one lacks reads as zeros. Otherwise it is as long as it is.</summary>
    public bool FilesHaveWholeSectors { get; init; }

    /// <summary>Which files are opened because an image names them.</summary>
    public ImplicitOpenGate ImplicitOpenGate { get; init; } = ImplicitOpenGate.AllowFiles;

    /// <summary>An image that becomes one of a version without dirty bitmaps loses those that it has; otherwise it is refused.</summary>
    public bool DowngradeDropsBitmaps { get; init; }

    /// <summary>An image that is to get another length and become one of an older version gets the length first, even where it then cannot become that; otherwise nothing is changed.</summary>
    public bool DowngradeChangesLengthFirst { get; init; }

    /// <summary>Images with the AES encryption of qcow2, which can be undone, are made and written; otherwise they are only read, with a warning.</summary>
    public bool UsesLegacyAes { get; init; }

    /// <summary>The blocks that <c>dd</c> leaves out by <c>skip</c> are among those that <c>count</c> allows; otherwise so many are copied behind them.</summary>
    public bool DdCountIncludesSkipped { get; init; }

    /// <summary>Holes of an external data file are zeros in the block status of the image; otherwise what the image has there is data.</summary>
    public bool AsksDataFilesForHoles { get; init; } = true;

    /// <summary>What <c>dd</c> copies is data in the new image, zeros too; otherwise they are left out, as when an image is converted.</summary>
    public bool DdWritesZeros { get; init; }

    /// <summary>Compressed data takes the place of a cluster that there is; otherwise it is refused where one has a place in the file.</summary>
    public bool CompressedWritesReplace { get; init; } = true;

    /// <summary>A strict comparison is of all that is known of a range, such as whether its data is compressed; otherwise of what is allocated, and what is zeros.</summary>
    public bool ComparesWholeStatus { get; init; }

    /// <summary>An image that grows over a longer backing image is marked as zeros up to its new end; otherwise as far as the backing image reaches, behind which nothing has to be hidden.</summary>
    public bool GrowthMarksAllZeros { get; init; }

    /// <summary>An option that a driver does not have is told once everything else is open; otherwise before anything is opened.</summary>
    public bool TellsUnknownOptionsLast { get; init; }

    /// <summary>An amendment may change which backing file an image names; otherwise only a rebase does.</summary>
    public bool AmendsBackingFile { get; init; } = true;

    /// <summary>A repair of an image makes all reference counts anew, elsewhere, where a cluster in use is counted as free; otherwise it raises those that are too low, as long as it can.</summary>
    public bool RebuildsCounts { get; init; }

    /// <summary>A command that opens an image alone takes options for its backing file, and has no use for them; otherwise they are unknown ones.</summary>
    public bool KnowsUnopenedBacking { get; init; } = true;

    /// <summary>A driver that is no text, but a number or a switch, is an unknown one; otherwise it is as if none were given.</summary>
    public bool RefusesWrongDrivers { get; init; } = true;

    /// <summary>Children can be given that QEMU does not have, as a header beside an encrypted image; otherwise their options are unknown ones.</summary>
    public bool TakesOwnChildren { get; init; } = true;

    /// <summary>A refusal of an unknown option names the nearest known one.</summary>
    public bool SuggestsNearestOption { get; init; } = true;
}
