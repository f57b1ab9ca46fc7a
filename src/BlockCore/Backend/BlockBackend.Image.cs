using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.BlockCore.Backend;

/// <content>What is done to the image as a whole: its format's properties, its snapshots, the state of a machine that it keeps.</content>
public sealed partial class BlockBackend
{
    /// <summary>
    /// Changes properties of the image's format. Nothing else happens to the image meanwhile. Another backing file is only named in the image, as by
    /// <see cref="Images.ImageRebase.ChangeHeaderAsync"/>: it must be there, but nobody compares what it reads as, and the graph stays as it is. Any thread.
    /// </summary>
    /// <param name="options">By the names of the driver's <see cref="BlockDriver.AmendOptions"/>.</param>
    /// <param name="isForced">Does even what makes the image unreadable for good, such as erasing the last key.</param>
    /// <param name="progress">Is told how far it is, of one; null for nobody.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">There is no medium, or the format could not change it.</exception>
    public Task AmendAsync(OptionsDictionary options, bool isForced = false, IProgress<double>? progress = null, CancellationToken cancel = default) =>
        HoldMediumAsync(async () =>
        {
            BlockNode node = (RootEdge ?? throw NoMedium()).Node;
            ImageAmendRequest request = new() { Options = options, IsForced = isForced, Progress = progress, Backing = await BackingAmendment.FindAsync(node, options, cancel) };
            await ChangeLengthAloneAsync(node, instance => instance.AmendAsync(request, cancel), cancel);
        });

    /// <summary>Makes a snapshot inside the image, of the image as it is. Any thread. <i>QEMU: blockdev-snapshot-internal-sync.</i></summary>
    /// <exception cref="BlockException">There is no medium, the format has no snapshots, or it could not be made; the image is as it was.</exception>
    public Task CreateSnapshotAsync(ImageSnapshot snapshot, CancellationToken cancel = default) =>
        HoldMediumAsync(() => DoAloneAsync(SnapshotNode(isWritten: true), instance => instance.Snapshots!.CreateAsync(snapshot, cancel)));

    /// <summary>Makes the image what it was when a snapshot was made. Any thread.</summary>
    /// <exception cref="BlockException">There is no medium, the format has no snapshots, or it could not be applied; the image is as it was.</exception>
    public Task ApplySnapshotAsync(ImageSnapshot snapshot, CancellationToken cancel = default) =>
        HoldMediumAsync(() => ChangeLengthAloneAsync(SnapshotNode(isWritten: true), instance => instance.Snapshots!.ApplyAsync(snapshot, cancel), cancel));

    /// <summary>Removes a snapshot from the image. Any thread. <i>QEMU: blockdev-snapshot-delete-internal-sync.</i></summary>
    /// <exception cref="BlockException">There is no medium, the format has no snapshots, or it could not be removed; the image is as it was.</exception>
    public Task DeleteSnapshotAsync(ImageSnapshot snapshot, CancellationToken cancel = default) =>
        HoldMediumAsync(() => DoAloneAsync(SnapshotNode(isWritten: true), instance => instance.Snapshots!.DeleteAsync(snapshot, cancel)));

    /// <summary>From now on the image, which is open for reading only, reads as it was when a snapshot was made. Any thread.</summary>
    /// <exception cref="BlockException">There is no medium, the format has no snapshots, the image is open for writing, or it could not be read.</exception>
    public Task ShowSnapshotAsync(ImageSnapshot snapshot, CancellationToken cancel = default) => HoldMediumAsync(async () =>
    {
        BlockNode node = SnapshotNode(isWritten: false);
        await DoAloneAsync(node, instance => instance.Snapshots!.ShowAsync(snapshot, cancel));
        SlowRequest.RefreshLengths(node);
    });

    /// <summary>Reads state of a virtual machine, which the image keeps beside the disk. Any thread.</summary>
    /// <exception cref="BlockException">There is no medium, the format has no place for it, or it could not be read.</exception>
    public ValueTask ReadVmStateAsync(long offset, IoVector buffer, CancellationToken cancel = default) =>
        new(HoldMediumAsync(() => DoAloneAsync((RootEdge ?? throw NoMedium()).Node, instance => instance.ReadVmStateAsync(offset, buffer, cancel).AsTask())));

    /// <summary>Writes state of a virtual machine, which the image keeps beside the disk until a snapshot takes it. Any thread.</summary>
    /// <exception cref="BlockException">There is no medium, the format has no place for it, or it could not be written.</exception>
    public ValueTask WriteVmStateAsync(long offset, IoVector buffer, CancellationToken cancel = default) =>
        new(HoldMediumAsync(() =>
        {
            BlockNode node = (RootEdge ?? throw NoMedium()).Node;
            ThrowIfReadOnly(node);
            return DoAloneAsync(node, instance => instance.WriteVmStateAsync(offset, buffer, cancel).AsTask());
        }));

    // What lies under filters has the snapshots.
    private BlockNode SnapshotNode(bool isWritten)
    {
        BlockNode node = BackingChain.SkipFilters((RootEdge ?? throw NoMedium()).Node);
        if (node.Instance.Snapshots is null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Block format '{node.Driver.Name}' used by device '{Name}' does not support internal snapshots");
        }

        if (isWritten)
        {
            ThrowIfReadOnly(node);
        }

        return node;
    }

    private void ThrowIfReadOnly(BlockNode node)
    {
        if (node.IsReadOnly || (RootEdge!.Permissions.Required & BlockPermissions.Write) == 0)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Block node '{node.Name}' is read-only");
        }
    }

    private Task<bool> DoAloneAsync(BlockNode node, Func<BlockDriverInstance, Task> work) => AloneAsync(node, async instance =>
    {
        await work(instance);
        return true;
    });

    // It may be of another length afterwards, even where it failed.
    private Task ChangeLengthAloneAsync(BlockNode node, Func<BlockDriverInstance, Task> work, CancellationToken cancel)
    {
        node.ThrowIfBlocked(BlockOperation.Resize);
        return WithResizeAsync(RootEdge!, async () =>
        {
            try
            {
                await DoAloneAsync(node, work);
            }
            finally
            {
                SlowRequest.RefreshLengths(node);
            }
        }, cancel);
    }
}
