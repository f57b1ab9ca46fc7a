using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What is to change of an image's format, and who is told how far it is.</summary>
public sealed record ImageAmendRequest
{
    /// <summary>What is to change, by the names of the driver's <see cref="BlockDriver.AmendOptions"/>.</summary>
    public required OptionsDictionary Options { get; init; }

    /// <summary>The backing file that the image is to name, where <see cref="Options"/> say anything of it and the profile lets it change: it is there, and makes no loop.</summary>
    public RecordedBacking? Backing { get; init; }

    /// <summary>Does even what makes the image unreadable for good.</summary>
    public bool IsForced { get; init; }

    /// <summary>Is told how far it is, of one; null for nobody.</summary>
    public IProgress<double>? Progress { get; init; }
}
