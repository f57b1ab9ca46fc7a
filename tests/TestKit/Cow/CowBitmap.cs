namespace BlockGraph.TestKit.Cow;

/// <summary>A bitmap; no test of the kit asks for its bits.</summary>
/// <param name="GranularityBytes">How much of the image a bit stands for.</param>
/// <param name="IsEnabled">It follows writes.</param>
internal sealed record CowBitmap(long GranularityBytes, bool IsEnabled);
