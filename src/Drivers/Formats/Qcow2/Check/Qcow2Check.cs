using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Looks through an image for what contradicts itself, and mends what it was asked to. Everything that was written is in the file, and nobody writes meanwhile; reads
/// may go on.
/// </summary>
/// <remarks>
/// Order of mending, each step durable before the next: counts that are too low are raised; marks of entries are made to agree with them; counts that are too high
/// are lowered; the image says that it is clean. At any moment what an entry leads to is counted at least as well as before. Where the blocks of counts are not
/// usable, or the profile says so, all counts are made anew elsewhere instead of raised and lowered. An image that takes more than one pass to count is mended window by window, each in
/// that order.
/// </remarks>
internal sealed class Qcow2Check(Qcow2Metadata metadata, ImageCheckRequest request, CancellationToken cancel)
{
    private readonly CheckPace _pace = new(request, metadata.Geometry.ClusterCount(metadata.File.LengthBytes), cancel);
    private readonly ImageReferences _references = new(metadata);

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

    // True where it was to mend, and could be done.
    private async Task<bool> LookAndMendAsync(CheckReport report)
    {
        CountPasses passes = new(metadata, _references, request, _pace);
        bool mends = request.Repairs != ImageRepairs.None;
        bool isPossible = true;
        await passes.LookAsync(report, async pass =>
        {
            pass.Stored.Compare(report);
            isPossible &= mends && new CountMends(metadata, pass, _pace).IsPossible;
            if (!mends)
            {
                await LookAtMarksAsync(pass, report);
            }
        });

        // Where nothing but leaks was found the counts say what a mark has to be.
        bool mendsTables = request.MendsErrors || (request.MendsLeaks && report is { CorruptionCount: 0, UncheckedCount: 0 } && !passes.HidesReferences);
        if (mends && !mendsTables)
        {
            await passes.AgainAsync(needsStored: true, pass => LookAtMarksAsync(pass, report));
        }

        if (!mends || report.UncheckedCount > 0)
        {
            return false;
        }

        await MendAsync(report, passes, isPossible, mendsTables);
        return true;
    }

    private async Task<CheckReport> LookAgainAsync()
    {
        CheckReport left = new(request);
        await new CountPasses(metadata, _references, request, _pace).LookAsync(left, async pass =>
        {
            pass.Stored.Compare(left);
            await LookAtMarksAsync(pass, left);
        });
        return left;
    }

    private Task LookAtMarksAsync(CountPass pass, CheckReport report) => new TableMends(metadata, pass, report, _pace) { CountOf = pass.Stored.Counts.Get }.RunAsync();

    private async Task MendAsync(CheckReport report, CountPasses passes, bool isPossible, bool mendsTables)
    {
        await metadata.ForgetUnknownAsync();
        bool isMadeAnew = metadata.Node.Graph.Profile.RebuildsCounts && report.HasUncounted && !passes.HidesReferences;
        if (request.MendsErrors && (isMadeAnew || (!isPossible && (report.CountErrorCount > 0 || report.LeakCount > 0))))
        {
            report.Tell("Rebuilding refcount structure");
            CountRebuild rebuild = new(metadata, passes, _pace);
            await rebuild.RunAsync();
            rebuild.TellFreed(report);
            report.OnRebuilt(freesLeaks: !passes.HidesReferences);
            if (!passes.IsOne)
            {
                // Further passes find the new ones.
                await metadata.ReloadAsync(CancellationToken.None);
            }

            await passes.AgainAsync(needsStored: false, pass => new TableMends(metadata, pass, report, _pace) { CountOf = pass.References.Counts.Get, MendsAll = true }.RunAsync());
            return;
        }

        await passes.AgainAsync(needsStored: true, pass => MendAsync(report, pass, isPossible, mendsTables));
    }

    private async Task MendAsync(CheckReport report, CountPass pass, bool isPossible, bool mendsTables)
    {
        // Of what seems unused some may be what an entry leads to that cannot be followed.
        bool raises = request.MendsErrors && isPossible;
        bool lowers = request.MendsLeaks && isPossible && !pass.References.HidesReferences;
        CountMends counts = new(metadata, pass, _pace);
        counts.Announce(raises ? report.Mend : null, lowers ? report.Free : null);
        if (raises)
        {
            await counts.RunAsync(isRaise: true);
        }

        ReferenceCounts stored = pass.Stored.Counts;
        ulong After(long cluster) => lowers ? Math.Min(stored.Get(cluster), pass.References.Counts.Get(cluster)) : stored.Get(cluster);
        await new TableMends(metadata, pass, report, _pace) { CountOf = After, OldCountOf = stored.Get, MendsAll = mendsTables }.RunAsync();
        if (lowers)
        {
            await counts.RunAsync(isRaise: false);
        }
    }
}
