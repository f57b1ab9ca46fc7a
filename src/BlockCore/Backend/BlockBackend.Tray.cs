using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Backend;

/// <content>The tray of the device in front: while it is open the medium can be changed, and not reached.</content>
public sealed partial class BlockBackend
{
    // As it was told last. Main context.
    private bool _isTrayOpen;

    /// <summary>
    /// Opens the tray of the device in front. Nothing happens where it is open, or there is none. Any thread. <i>QEMU: blockdev-open-tray.</i>
    /// </summary>
    /// <param name="isForced">True to open it though the guest has locked it.</param>
    /// <returns>False where the guest has locked it, and was asked to let the medium go.</returns>
    /// <exception cref="BlockException">The device's medium cannot be taken out.</exception>
    public async Task<bool> OpenTrayAsync(bool isForced = false)
    {
        bool isOpen = true;
        await ChangeMediumAsync(() =>
        {
            if (RemovableDeviceOrThrow() is { HasTray: true, IsTrayOpen: false } device)
            {
                isOpen = OpenTray(device, isForced);
            }

            return Task.CompletedTask;
        });
        return isOpen;
    }

    /// <summary>Closes the tray of the device in front. Nothing happens where it is closed, or there is none. Any thread. <i>QEMU: blockdev-close-tray.</i></summary>
    /// <exception cref="BlockException">The device's medium cannot be taken out.</exception>
    public Task CloseTrayAsync() => ChangeMediumAsync(() =>
    {
        if (RemovableDeviceOrThrow() is { HasTray: true, IsTrayOpen: true } device)
        {
            MoveTray(device, isOpen: false);
        }

        return Task.CompletedTask;
    });

    /// <summary>The device says that its guest may have moved the tray. Main context. <i>QEMU: blk_eject().</i></summary>
    public void ReportTrayMoved()
    {
        Invariant.Check(Graph.MainContext.IsHome);
        bool isOpen = IsTrayOpen(_device);
        if (isOpen != _isTrayOpen)
        {
            _isTrayOpen = isOpen;
            UpdateReach();
            Graph.Events.Publish(new DeviceTrayMoved(Name ?? "", _device!.Id, isOpen));
        }
    }

    private static bool IsTrayOpen(IBlockDevice? device) => device is { HasTray: true, IsTrayOpen: true };

    private IBlockDevice? RemovableDeviceOrThrow() => _device is { IsRemovable: false } fixedDevice
        ? throw new BlockException(BlockErrorKind.NotSupported, $"Device '{fixedDevice.Id}' is not removable")
        : _device;

    private bool OpenTray(IBlockDevice device, bool isForced)
    {
        if (device.IsMediumLocked)
        {
            device.OnEjectRequested(isForced);
            if (!isForced)
            {
                return false;
            }
        }

        MoveTray(device, isOpen: true);
        return device.IsTrayOpen;
    }

    private void MoveTray(IBlockDevice device, bool isOpen)
    {
        bool wasOpen = _isTrayOpen;
        device.MoveTray(isOpen);
        ReportTrayMoved();
        if (wasOpen != _isTrayOpen && RootEdge is not null)
        {
            device.OnMediumChanged(isLoaded: !isOpen);
        }
    }

    private void UpdateReach() => Volatile.Write(ref _root, _isTrayOpen ? null : _edge);
}
