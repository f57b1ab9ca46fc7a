using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Looks through an image for what contradicts itself, and mends what it was asked to. Everything that was written is in the file, and nobody writes meanwhile; reads
/// may go on.
/// </summary>
/// <remarks>
/// Order of mending, each step durable before the next: counts that are too low are raised; marks of entries are made to agree with them; counts that are too high
/// are lowered; the image says that it is clean. At any moment what an entry leads to is counted at least as well as before. Where the blocks of counts are not
/// usable, or the profile says so, all counts are made anew elsewhere instead of raised and lowered.
/// </remarks>
internal sealed class Qcow2Check(Qcow2Metadata metadata, ImageCheckRequest request, CancellationToken cancel)
{
    private readonly CheckPace _pace = new(request, cancel);

    /// <summary>Looks, mends, and looks again where something was mended.</summary>
    public async Task<ImageCheck> RunAsync()
    {
        CheckReport found = new(request);
        await metadata.Refcounts.EnsureLoadedAsync(cancel);
        if (request.MendsErrors && metadata.SnapshotFault is not null)
        {
            await new SnapshotTableMend(metadata, found).RunAsync(cancel);
        }

        CheckReport left = found;
        if (await LookAndMendAsync(found))
        {
            await metadata.ReloadAsync(CancellationToken.None);
            left = found.HasMended ? await LookAgainAsync() : found;
            if (left.IsClean)
            {
                await metadata.MarkSoundAsync();
            }
        }

        return left.ToImageCheck(metadata.Geometry.ClusterCount(metadata.Area.Header.LengthBytes), found);
    }

    // What was counted is forgotten with this step: the look that may follow counts anew. True where it was to mend, and could be done.
    private async Task<bool> LookAndMendAsync(CheckReport report)
    {
        (ImageReferences references, StoredCounts stored) = await LookAsync(report, request.ReadsData);

        // Where nothing but leaks was found the counts say what a mark has to be.
        bool mendsTables = request.MendsErrors || (request.MendsLeaks && report is { CorruptionCount: 0, UncheckedCount: 0 } && !references.HidesReferences);
        if (!mendsTables)
        {
            await new TableMends(metadata, references, report, _pace) { CountOf = stored.Counts.Get }.RunAsync();
        }

        if (request.Repairs == ImageRepairs.None || report.UncheckedCount > 0)
        {
            return false;
        }

        await MendAsync(report, references, stored, mendsTables);
        return true;
    }

    private async Task<(ImageReferences References, StoredCounts Stored)> LookAsync(CheckReport report, bool readsData)
    {
        ImageReferences references = await new ReferenceScan(metadata, report, _pace, readsData).RunAsync();
        StoredCounts stored = new(metadata, references, report);
        await stored.LoadAsync(_pace);
        stored.Compare();
        return (references, stored);
    }

    private async Task<CheckReport> LookAgainAsync()
    {
        CheckReport left = new(request);
        (ImageReferences references, StoredCounts stored) = await LookAsync(left, request.ReadsData);
        await new TableMends(metadata, references, left, _pace) { CountOf = stored.Counts.Get }.RunAsync();
        return left;
    }

    private async Task MendAsync(CheckReport report, ImageReferences references, StoredCounts stored, bool mendsTables)
    {
        await metadata.ForgetUnknownAsync();
        CountMends counts = new(metadata, references, stored, _pace);
        bool isPossible = counts.IsPossible;
        bool isMadeAnew = metadata.Node.Graph.Profile.RebuildsCounts && report.HasUncounted && !references.HidesReferences;
        if (request.MendsErrors && (isMadeAnew || (!isPossible && (report.CountErrorCount > 0 || report.LeakCount > 0))))
        {
            report.Tell("Rebuilding refcount structure");
            CountRebuild rebuild = new(metadata, references, _pace);
            await rebuild.RunAsync();
            rebuild.TellFreed(report);
            report.OnRebuilt(freesLeaks: !references.HidesReferences);
            await new TableMends(metadata, references, report, _pace) { CountOf = references.Counts.Get, MendsAll = true }.RunAsync();
            return;
        }

        // Of what seems unused some may be what an entry leads to that cannot be followed.
        bool raises = request.MendsErrors && isPossible;
        bool lowers = request.MendsLeaks && isPossible && !references.HidesReferences;
        counts.Announce(raises ? report.Mend : null, lowers ? report.Free : null);
        if (raises)
        {
            await counts.RunAsync(isRaise: true);
        }

        ulong After(long cluster) => lowers ? Math.Min(stored.Counts.Get(cluster), references.Counts.Get(cluster)) : stored.Counts.Get(cluster);
        await new TableMends(metadata, references, report, _pace) { CountOf = After, OldCountOf = stored.Counts.Get, MendsAll = mendsTables }.RunAsync();
        if (lowers)
        {
            await counts.RunAsync(isRaise: false);
        }
    }
}
