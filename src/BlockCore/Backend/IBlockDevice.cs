namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// What an emulated device tells its backend, and hears from it. All calls come on the main context; none may block. <i>QEMU: BlockDevOps.</i>
/// </summary>
public interface IBlockDevice
{
    /// <summary>What the device is called in events.</summary>
    string Id { get; }

    /// <summary>True for a device whose medium can be taken out.</summary>
    bool IsRemovable => false;

    /// <summary>True for a device with a tray: its medium changes only while the tray is open, and can be used only while it is closed.</summary>
    bool HasTray => false;

    /// <summary>True where the tray is open: there is no medium then, whatever lies in it. Where it changes otherwise than by <see cref="MoveTray"/>, tell <see cref="BlockBackend.ReportTrayMoved"/>.</summary>
    bool IsTrayOpen => false;

    /// <summary>True where the guest has locked the tray.</summary>
    bool IsMediumLocked => false;

    /// <summary>Somebody moves the tray; <see cref="IsTrayOpen"/> says afterwards whether it has moved.</summary>
    void MoveTray(bool isOpen)
    {
    }

    /// <summary>What can be reached is another medium, or none: one has come or gone, or has done so with the tray that lies between.</summary>
    void OnMediumChanged(bool isLoaded)
    {
    }

    /// <summary>Somebody asks the guest to let the medium go.</summary>
    void OnEjectRequested(bool isForced)
    {
    }

    /// <summary>The medium has another length now.</summary>
    void OnResized(long lengthBytes)
    {
    }

    /// <summary>A drain begins: submit nothing new until <see cref="OnDrainedEnd"/>. What is submitted all the same waits in the backend.</summary>
    void OnDrainedBegin()
    {
    }

    /// <summary>Completes when the device has nothing of its own under way; true where it had.</summary>
    Task<bool> DrainedPollAsync() => Task.FromResult(false);

    /// <summary>The drain is over.</summary>
    void OnDrainedEnd()
    {
    }
}
