namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What an image's header says, or is to say, of its backing file.</summary>
/// <param name="FileName">Its name; a relative one lies beside the image. Null where there is none.</param>
/// <param name="Format">Its format; null where none is said.</param>
/// <param name="LengthBytes">How long it is; 0 where there is none.</param>
public sealed record RecordedBacking(string? FileName, string? Format, long LengthBytes);
