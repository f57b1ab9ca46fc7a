namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>What one pass over an image has counted.</summary>
/// <param name="Window">The clusters.</param>
/// <param name="References">How often each should be counted.</param>
/// <param name="Ranges">Where L2 tables lead.</param>
/// <param name="Stored">How often each is, as the image says; empty where nobody wanted to know.</param>
internal sealed record CountPass(CountWindow Window, ImageReferences References, TableRanges Ranges, StoredCounts Stored);
