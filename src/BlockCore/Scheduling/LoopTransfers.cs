namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Which transfers of files a loop carries out itself, instead of giving them to somebody and going on meanwhile.</summary>
internal enum LoopTransfers
{
    /// <summary>None: all of them take time, as the simulated world wants it.</summary>
    None,

    /// <summary>Those that certainly do not wait for a device.</summary>
    Prompt,

    /// <summary>Any: the loop's only user waits for them anyway.</summary>
    Any,
}
