using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>What happens to the image as a whole: other options, another backing name, hand-overs, the end. The node is drained each time.</content>
internal sealed partial class Qcow2Instance
{
    /// <inheritdoc/>
    protected override Task<ImageInformation?> GetInformationAsync(CancellationToken cancel)
    {
        Qcow2Header header = metadata.Area.Header;
        return Task.FromResult<ImageInformation?>(new ImageInformation
        {
            ClusterBytes = _geometry.ClusterBytes,
            IsEncrypted = header.Encryption != Qcow2Encryption.None,
            IsDirty = (header.Incompatible & Qcow2IncompatibleFeatures.Dirty) != 0,
            VmStateOffset = VmStateOffset,
            Specific = Qcow2Information.Describe(metadata.Area, metadata.Bitmaps, metadata.Volume?.Information, metadata.IsStopped),
        });
    }

    /// <inheritdoc/>
    protected override async Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        Qcow2OpenOptions options = Qcow2OpenOptions.Read(reopen.CreateReader());
        options.Check(metadata.Area.Header);
        if (!reopen.NewIsReadOnly && (metadata.Area.Header.Incompatible & Qcow2IncompatibleFeatures.Corrupt) != 0)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, "qcow2: Image is corrupt; cannot be opened read/write");
        }

        if (!reopen.NewIsReadOnly && metadata.ShownLengthBytes is not null)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Node '{Node.Name}' shows a snapshot and stays read-only");
        }

        reopen.Step("prepare qcow2 options");
        reopen.State = options;

        // Who may not write any more cannot write that the image is closed cleanly.
        if (reopen.NewIsReadOnly && !reopen.OldIsReadOnly)
        {
            await CleanAsync();
        }
        else if (!metadata.IsStopped)
        {
            await metadata.WriteBackAsync();
        }
    }

    /// <inheritdoc/>
    protected override void CommitReopen(ReopenContext reopen)
    {
        ArgumentNullException.ThrowIfNull(reopen);
        metadata.Adopt((Qcow2OpenOptions)reopen.State!);
        metadata.KeptBitmaps.SetReadOnly(reopen.NewIsReadOnly);
    }

    /// <summary>Nothing was taken: options are values.</summary>
    protected override void AbortReopen(ReopenContext reopen)
    {
    }

    /// <inheritdoc/>
    protected override async Task ChangeBackingFileAsync(string? fileName, string? format)
    {
        _ = metadata.Area.WithBacking(fileName, format);
        await metadata.BeginChangeAsync();
        await metadata.SwitchHeaderAsync(area => area.WithBacking(fileName, format));
    }

    /// <summary>What is in the file counts: everything newer is written first.</summary>
    protected override Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Repairs != ImageRepairs.None && !Node.IsWritable
            ? throw new BlockException(BlockErrorKind.AccessDenied, "Image is read-only")
            : metadata.CheckAsync(request, cancel);
    }

    /// <inheritdoc/>
    protected override Task DeactivateAsync() => Node.IsReadOnly ? Task.CompletedTask : CleanAsync();

    /// <inheritdoc/>
    protected override async Task ActivateAsync()
    {
        await metadata.ReloadAsync(CancellationToken.None);
        await metadata.ReloadBitmapsAsync(CancellationToken.None);
    }

    /// <summary>Writes what is only in memory. Where that fails the file has clusters that nobody uses, or says that it was not closed cleanly: a check mends both.</summary>
    protected override async ValueTask CloseAsync()
    {
        try
        {
            if (Node.IsWritable)
            {
                await CleanAsync();
            }
        }
        catch (BlockException error)
        {
            Node.Graph.Events.Publish(ReferenceEquals(error, metadata.LostBitmaps)
                ? new BitmapsLost(Node.Name, error.Message)
                : new BlockWarning($"Node '{Node.Name}': the image could not be closed cleanly: {error.Message}"));
        }
        finally
        {
            metadata.Cipher?.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryMakeEmptyAsync(CancellationToken cancel)
    {
        if (MustWriteDataFile)
        {
            return false;
        }

        await metadata.BeginChangeAsync();
        await metadata.File.DebugEventAsync(DebugEvent.EmptyImagePrepare);
        _isTrimDue = true;

        // Most of it is behind the new end of the file, which is cheaper to cut off than to let go of.
        await DiscardBeyondAsync(0, _geometry.RoundUp(LengthBytes), DiscardReason.Never, cancel);
        await metadata.SettleAsync();
        if (_geometry.HasDataFile)
        {
            // Only what no entry on the disk leads to any more.
            await metadata.File.FlushAsync(CancellationToken.None);
            await DiscardDataAsync(0, _geometry.RoundUp(LengthBytes), DiscardReason.Snapshot);
        }

        await TrimFileAsync();
        await DiscardFreeAsync();
        return true;
    }

    // What was freed by a shorter length is free only now that no request is in flight.
    private async Task CleanAsync()
    {
        await metadata.CleanAsync();
        if (_isTrimDue && !metadata.IsStopped)
        {
            await TrimFileAsync();
        }
    }
}
