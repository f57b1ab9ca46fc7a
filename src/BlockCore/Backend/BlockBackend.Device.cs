using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Backend;

/// <content>What an emulated device sees and sets.</content>
public sealed partial class BlockBackend
{
    private readonly LatencyBins?[] _retiredBins = new LatencyBins?[RequestKinds.Count];
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

    /// <summary>Puts a device in front of the backend. Main context.</summary>
    /// <exception cref="BlockException">There is one.</exception>
    public void AttachDevice(IBlockDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (_device is not null)
        {
            throw new BlockException(BlockErrorKind.Busy, $"{Description} is in use by device '{_device.Id}'");
        }

        _device = device;
        if (QuiesceCount > 0)
        {
            device.OnDrainedBegin();
        }
    }

    /// <summary>Takes the device away. Main context.</summary>
    public void DetachDevice() => _device = null;

    private void OnMediumChanged(bool isLoaded) => _device?.OnMediumChanged(isLoaded);

    // Comes on the context of the request that made the image longer.
    private void OnResized()
    {
        if (_device is not null)
        {
            Graph.MainContext.Post(static state => ((BlockBackend)state!).TellResized(), this);
        }
    }

    private void TellResized() => _device?.OnResized(LengthBytes);
}
