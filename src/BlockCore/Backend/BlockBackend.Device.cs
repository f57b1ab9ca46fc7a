using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Backend;

/// <content>What an emulated device sees and sets.</content>
public sealed partial class BlockBackend
{
    private IBlockDevice? _device;
    private volatile bool _isWriteThrough;

    /// <summary>The device in front of the backend, or null.</summary>
    public IBlockDevice? Device => _device;

    /// <summary>Whether completed writes may still be in a volatile cache; otherwise each is durable when it completes.</summary>
    public bool IsWriteCacheEnabled
    {
        get => !_isWriteThrough;
        set => _isWriteThrough = !value;
    }

    /// <summary>Puts a device in front of the backend; its I/O status begins anew. Main context.</summary>
    /// <exception cref="BlockException">There is one.</exception>
    public void AttachDevice(IBlockDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_device is not null)
        {
            throw new BlockException(BlockErrorKind.Busy, $"{Description} is in use by device '{_device.Id}'");
        }

        Invariant.Check(Graph.MainContext.IsHome);
        ResetIoStatus();
        Volatile.Write(ref _device, device);
        _isTrayOpen = IsTrayOpen(device);
        UpdateReach();
        if (QuiesceCount > 0)
        {
            device.OnDrainedBegin();
        }
    }

    /// <summary>Takes the device away, where there is one; what <see cref="DeviceRequests"/> has kept for it fails. Main context.</summary>
    public void DetachDevice()
    {
        Invariant.Check(Graph.MainContext.IsHome);
        IBlockDevice? device = _device;
        Volatile.Write(ref _device, null);
        _isTrayOpen = false;
        UpdateReach();
        if (device is not null && QuiesceCount > 0)
        {
            device.OnDrainedEnd();
        }

        Kept.Abandon();
    }

    // Comes on the context of the request that made the image longer.
    private void OnResized()
    {
        if (Volatile.Read(ref _device) is not null)
        {
            Graph.MainContext.Post(static state => ((BlockBackend)state!).TellResized(), this);
        }
    }

    private void TellResized()
    {
        if (RootEdge is { } root)
        {
            _device?.OnResized(root.Node.LengthBytes);
        }
    }
}
