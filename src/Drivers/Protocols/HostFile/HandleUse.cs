namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>
/// The transfers of one context that use one handle. The handle counts contexts, not transfers: contexts that share a file would otherwise take its count from each other for every
/// request. Only that context's thread touches it.
/// </summary>
internal sealed class HandleUse(FileHandle handle)
{
    private int _transferCount;

    /// <summary>The handle, which stays open while there are transfers.</summary>
    public FileHandle Handle { get; } = handle;

    /// <summary>A transfer is about to begin; false where the handle was replaced meanwhile, and another is to be used.</summary>
    public bool TryBegin()
    {
        if (_transferCount == 0 && !Handle.TryBegin())
        {
            return false;
        }

        _transferCount++;
        return true;
    }

    /// <summary>A transfer is back.</summary>
    public void End()
    {
        if (--_transferCount == 0)
        {
            Handle.End();
        }
    }
}
