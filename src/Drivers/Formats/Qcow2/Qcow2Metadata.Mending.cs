using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Formats.Qcow2.Check;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>What a check needs of it.</content>
internal sealed partial class Qcow2Metadata
{
    /// <summary>Looks through the image, and mends what is asked for. The node is drained.</summary>
    /// <exception cref="BlockException">It cannot be checked, or what was to be written could not be.</exception>
    public async Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel)
    {
        if (request.Repairs != ImageRepairs.None)
        {
            await CleanAsync();
        }
        else if (HasBegun && !IsStopped)
        {
            await SettleAsync();
        }

        ImageCheck check = await new Qcow2Check(this, request, cancel).RunAsync();
        if (SnapshotFault is not null)
        {
            return check;
        }

        Qcow2Snapshots snapshots = new(this);
        int incompleteCount = snapshots.IncompleteCount;
        return request.MendsErrors && incompleteCount > 0 && check.CorruptionCount == incompleteCount && check.UncheckedCount == 0
            ? await CompleteAsync(snapshots, check, request, cancel)
            : check;
    }

    /// <summary>Clears the marks of features that this driver does not know and that hold only until somebody writes.</summary>
    public async Task ForgetUnknownAsync()
    {
        if ((Area.Header.Autoclear & ~Qcow2AutoclearFeatures.Known) != 0)
        {
            await ChangeHeaderAsync(static header => header with { Autoclear = header.Autoclear & Qcow2AutoclearFeatures.Known });
            await File.FlushAsync(CancellationToken.None);
        }
    }

    /// <summary>A check has found nothing wrong: the image says so.</summary>
    public async Task MarkSoundAsync()
    {
        const Qcow2IncompatibleFeatures Doubts = Qcow2IncompatibleFeatures.Dirty | Qcow2IncompatibleFeatures.Corrupt;
        if ((Area.Header.Incompatible & Doubts) != 0)
        {
            await ChangeHeaderAsync(static header => header with { Incompatible = header.Incompatible & ~Doubts });
            await File.FlushAsync(CancellationToken.None);
        }

        IsStopped = false;
        _hasWarned = false;
    }

    // Nothing else is wrong, so that it can be written as any other image.
    private async Task<ImageCheck> CompleteAsync(Qcow2Snapshots snapshots, ImageCheck check, ImageCheckRequest request, CancellationToken cancel)
    {
        request.Findings?.Report(new ImageFinding(ImageFindingKind.Repair, $"Repairing incomplete entries of the snapshot table: {check.CorruptionCount}"));
        await snapshots.CompleteAsync(cancel);
        await CleanAsync();
        ImageCheck left = await new Qcow2Check(this, request, cancel).RunAsync();
        return left with
        {
            MendedCorruptionCount = check.MendedCorruptionCount + check.CorruptionCount + left.MendedCorruptionCount,
            MendedLeakCount = check.MendedLeakCount + left.MendedLeakCount,
        };
    }

    // Counts were in memory only when the image was closed, or rather was not. Entries are right, and lead to nothing that is not counted after this.
    private async Task MendDirtyAsync()
    {
        ImageCheckRequest request = new() { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors, Findings = new RepairTeller(Node) };
        ImageCheck result = await new Qcow2Check(this, request, CancellationToken.None).RunAsync();
        if (result.UncheckedCount > 0)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Node '{Node.Name}': Could not repair dirty image");
        }

        if (result.MendedCorruptionCount > 0 || result.MendedLeakCount > 0)
        {
            Node.Graph.Events.Publish(new ImageRepaired(Node.Name,
                $"Node '{Node.Name}': the image was not closed: {result.MendedCorruptionCount} errors and {result.MendedLeakCount} leaked clusters were repaired"));
        }
    }

    private sealed class RepairTeller(BlockNode node) : IProgress<ImageFinding>
    {
        public void Report(ImageFinding value) => node.Graph.Events.Publish(new ImageRepairStep(node.Name, value.Text));
    }
}
