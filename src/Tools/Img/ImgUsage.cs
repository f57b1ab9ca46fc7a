using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Img;

/// <summary>A command line that cannot be meant.</summary>
internal static class ImgUsage
{
    /// <summary>Where a person finds what can be: the program that ran the command fills in its name.</summary>
    public const string SeeHelp = "see the help";

    /// <summary>The failure with <paramref name="message"/>, and where the help is.</summary>
    public static BlockException Error(string message) => new(message) { Hint = SeeHelp };
}
