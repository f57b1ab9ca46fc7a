namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a check of an image is to do, and who is told of what it finds.</summary>
public sealed record ImageCheckRequest
{
    /// <summary>What to mend.</summary>
    public ImageRepairs Repairs { get; init; }

    /// <summary>Looks through what the guest has as well, where its bytes can be wrong by themselves: as compressed clusters can.</summary>
    public bool ReadsData { get; init; }

    /// <summary>How much memory what is counted may take, in bytes. With less the image is gone over more often.</summary>
    public long CountBytesMax { get; init; } = 8 << 20;

    /// <summary>Told of each finding when it is made, on the image's context; null for nobody.</summary>
    public IProgress<ImageFinding>? Findings { get; init; }

    /// <summary>Told which part of the work is done, from 0 to 1, on the image's context; null for nobody.</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>True where what contradicts itself is to be mended.</summary>
    public bool MendsErrors => (Repairs & ImageRepairs.Errors) != 0;

    /// <summary>True where space that is taken and not used is to be freed.</summary>
    public bool MendsLeaks => (Repairs & ImageRepairs.Leaks) != 0;
}
