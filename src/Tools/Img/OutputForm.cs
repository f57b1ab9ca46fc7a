using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Img;

/// <summary>How results are printed.</summary>
internal static class OutputForm
{
    /// <summary>Whether <paramref name="value"/> of <c>--output</c> means JSON.</summary>
    /// <exception cref="BlockException">It means nothing.</exception>
    public static bool IsJson(string? value) => value switch
    {
        null or "human" => false,
        "json" => true,
        _ => throw new BlockException("--output must be used with human or json as argument."),
    };
}
