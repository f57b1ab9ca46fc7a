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

    /// <summary>True where the tray is open: there is no medium then, whatever lies in it.</summary>
    bool IsTrayOpen => false;

    /// <summary>True where the guest has locked the tray.</summary>
    bool IsMediumLocked => false;

    /// <summary>Another medium, or none, lies in it now.</summary>
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
