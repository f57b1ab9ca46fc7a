using System.Text;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>Prints a tree as the <c>key=value,…</c> that <see cref="KeyvalParser"/> reads.</summary>
public static class KeyvalText
{
    /// <summary>The option string of <paramref name="options"/>, nested or flat, in the order given.</summary>
    /// <exception cref="BlockException">A value has no text: null or an empty container.</exception>
    public static string Print(OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        StringBuilder text = new();
        foreach ((string key, OptionValue value) in options.Flatten())
        {
            string scalar = value.AsText ?? throw new BlockException($"Parameter '{key}' has no value that an option string could hold");
            text.Append(text.Length == 0 ? "" : ",").Append(key).Append('=').Append(scalar.Replace(",", ",,", StringComparison.Ordinal));
        }

        return text.ToString();
    }
}
