namespace BlockGraph.BlockCore.Scheduling;

/// <summary>What a descriptor is watched for.</summary>
[Flags]
public enum DescriptorEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Data can be read, or the other side has closed.</summary>
    Readable = 1,

    /// <summary>Data can be written.</summary>
    Writable = 4,
}

/// <summary>Work that runs whenever its descriptor is ready (level-triggered). <i>QEMU: aio_set_fd_handler().</i></summary>
public abstract class DescriptorHandler : AioWork
{
    /// <summary>A handler for <paramref name="descriptor"/>, which stays the caller's and outlives the watch.</summary>
    protected DescriptorHandler(int descriptor, DescriptorEvents events)
    {
        Descriptor = descriptor;
        Events = events;
    }

    /// <summary>The operating system's number of the descriptor.</summary>
    public int Descriptor { get; }

    /// <summary>What it is watched for.</summary>
    public DescriptorEvents Events { get; }

    /// <summary>True while the handler stands in the ready queue; it is not queued twice.</summary>
    internal bool IsQueued { get; set; }

    /// <summary>The descriptor is ready. At home; must not block.</summary>
    protected abstract void OnReady();

    /// <inheritdoc/>
    protected internal sealed override void Run()
    {
        IsQueued = false;
        if (IsWatched)
        {
            OnReady();
        }
    }

    /// <summary>True between Watch and Unwatch.</summary>
    internal bool IsWatched { get; set; }
}
