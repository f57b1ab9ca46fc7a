namespace BlockGraph.Samples.Embedding.Device;

/// <summary>What the guest reads and writes to drive the controller. Each register has 64 bits.</summary>
public enum DiskRegister
{
    /// <summary>Read: a set of <see cref="DiskStates"/>.</summary>
    State,

    /// <summary>Read: the disk's length in bytes; 0 without a medium.</summary>
    LengthBytes,

    /// <summary>Written: how many commands the guest has put into the submission ring so far. Writing it is the doorbell.</summary>
    SubmittedCount,

    /// <summary>Read: how many entries the controller has put into the completion ring so far.</summary>
    CompletedCount,

    /// <summary>Written: the guest agrees that the disk is taken away.</summary>
    Release,
}

/// <summary>What the state register says.</summary>
[Flags]
public enum DiskStates
{
    /// <summary>An empty slot.</summary>
    None = 0,

    /// <summary>A disk is plugged in.</summary>
    Plugged = 1,

    /// <summary>There is a medium in it.</summary>
    HasMedium = 2,

    /// <summary>Somebody wants to take the disk away, and waits for <see cref="DiskRegister.Release"/>.</summary>
    IsReleaseWanted = 4,
}
