namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>A block of reference counts as it is to be, in memory.</summary>
internal sealed class RefcountDraftBlock(int index, Memory<byte> counts)
{
    /// <summary>Which block of the table it is.</summary>
    public int Index { get; } = index;

    /// <summary>Its bytes.</summary>
    public Memory<byte> Counts { get; } = counts;

    /// <summary>It was used since it was last thought of giving it up.</summary>
    public bool WasTouched { get; set; }

    /// <summary>What is in memory was not written yet.</summary>
    public bool IsDirty { get; set; }

    /// <summary>It differs from the file's, so that it needs a place of its own.</summary>
    public bool IsChanged { get; set; }
}
