using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>What a check has found and mended so far, and who is told of it.</summary>
internal sealed class CheckReport(ImageCheckRequest request)
{
    /// <summary>One that nobody reads.</summary>
    public static CheckReport Mute() => new(new ImageCheckRequest());

    /// <summary>How many errors there are that may destroy data.</summary>
    public long CorruptionCount { get; private set; }

    /// <summary>How many of these are about reference counts.</summary>
    public long CountErrorCount { get; private set; }

    /// <summary>A cluster is used that is counted as free.</summary>
    public bool HasUncounted { get; set; }

    /// <summary>How many clusters are taken and not used.</summary>
    public long LeakCount { get; private set; }

    /// <summary>How many places could not be checked.</summary>
    public long UncheckedCount { get; private set; }

    /// <summary>What was said of the last of them.</summary>
    public string? LastUnchecked { get; private set; }

    /// <summary>How many errors were mended.</summary>
    public long MendedCorruptionCount { get; private set; }

    /// <summary>How many leaks were mended.</summary>
    public long MendedLeakCount { get; private set; }

    /// <summary>How many of the guest's clusters have a place.</summary>
    public long AllocatedCount { get; set; }

    /// <summary>How many of them are compressed.</summary>
    public long CompressedCount { get; set; }

    /// <summary>How many of them do not lie behind the one before.</summary>
    public long FragmentedCount { get; set; }

    /// <summary>Where the last used cluster ends, in bytes.</summary>
    public long EndOffset { get; set; }

    /// <summary>True where nothing is wrong.</summary>
    public bool IsClean => CorruptionCount == 0 && LeakCount == 0 && UncheckedCount == 0;

    /// <summary>True where something was mended.</summary>
    public bool HasMended => MendedCorruptionCount > 0 || MendedLeakCount > 0;

    /// <summary>Metadata contradicts itself.</summary>
    public void Error(string text)
    {
        CorruptionCount++;
        Tell(ImageFindingKind.Error, text);
    }

    /// <summary>Reference counts are wrong, or what holds them.</summary>
    public void CountError(string text)
    {
        CountErrorCount++;
        Error(text);
    }

    /// <summary>The counts were made anew.</summary>
    /// <param name="freesLeaks">True where leaks are gone as well.</param>
    public void OnRebuilt(bool freesLeaks)
    {
        MendedCorruptionCount += CountErrorCount;
        MendedLeakCount += freesLeaks ? LeakCount : 0;
    }

    /// <summary>A cluster is taken and not used.</summary>
    public void Leak(string text)
    {
        LeakCount++;
        Tell(ImageFindingKind.Leak, text);
    }

    /// <summary>Something could not be checked.</summary>
    public void Unchecked(string text)
    {
        UncheckedCount++;
        LastUnchecked = text;
        Tell(ImageFindingKind.Unchecked, text);
    }

    /// <summary>An error is mended.</summary>
    public void Mend(string text)
    {
        MendedCorruptionCount++;
        Tell(ImageFindingKind.Repair, text);
    }

    /// <summary>A leak is mended.</summary>
    public void Free(string text)
    {
        MendedLeakCount++;
        Tell(ImageFindingKind.Repair, text);
    }

    /// <summary>Something is done that mends much at once.</summary>
    public void Tell(string text) => Tell(ImageFindingKind.Repair, text);

    /// <summary>As those see it who do not know the format.</summary>
    /// <param name="totalCount">How many clusters the guest has.</param>
    /// <param name="mended">The report of what was mended before this check was made.</param>
    public ImageCheck ToImageCheck(long totalCount, CheckReport mended) => new()
    {
        CorruptionCount = CorruptionCount,
        LeakCount = LeakCount,
        UncheckedCount = UncheckedCount,
        MendedCorruptionCount = mended.MendedCorruptionCount,
        MendedLeakCount = mended.MendedLeakCount,
        TotalClusterCount = totalCount,
        AllocatedClusterCount = AllocatedCount,
        CompressedClusterCount = CompressedCount,
        FragmentedClusterCount = FragmentedCount,
        EndOffset = EndOffset,
    };

    private void Tell(ImageFindingKind kind, string text) => request.Findings?.Report(new ImageFinding(kind, text));
}
