namespace BlockGraph.BlockCore.Graph;

/// <summary>How many images may lie over each other, where each names the next one.</summary>
public static class ImageChainLimit
{
    /// <summary>The image on top counts, too.</summary>
    public const int ImageCountMax = 200;

    /// <summary>What is said of the image after the last one.</summary>
    /// <param name="name">Its name.</param>
    public static string TooDeep(string name) => $"Backing file '{name}' makes a chain of more than {ImageCountMax} images";
}
