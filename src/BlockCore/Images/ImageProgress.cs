namespace BlockGraph.BlockCore.Images;

/// <summary>How far work on a whole image is.</summary>
/// <param name="DoneBytes">How much of it is done. It never falls.</param>
/// <param name="TotalBytes">How much there is: what must be moved or looked at, not the image's length.</param>
public readonly record struct ImageProgress(long DoneBytes, long TotalBytes)
{
    /// <summary>The part that is done, from 0 to 1; 1 where there is nothing to do.</summary>
    public double Fraction => TotalBytes <= 0 ? 1 : Math.Min(1, (double)DoneBytes / TotalBytes);
}
