namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>How an L2 table is used.</summary>
/// <param name="Weight">How many L1 entries lead to it.</param>
/// <param name="IsActive">One of them is in the active L1 table.</param>
/// <param name="L1Index">That entry's index.</param>
internal readonly record struct TableUse(ulong Weight, bool IsActive, long L1Index);
