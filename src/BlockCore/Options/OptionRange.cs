using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>Refuses a number out of its range, by the name of its option.</summary>
public static class OptionRange
{
    /// <summary>Passes where <paramref name="value"/> is from <paramref name="min"/> to <paramref name="max"/>.</summary>
    /// <exception cref="BlockException">It is not.</exception>
    public static void Check(string name, long value, long min, long max)
    {
        if (value < min || value > max)
        {
            throw new BlockException($"{name} value must be in the range [{min}, {max}]");
        }
    }
}
