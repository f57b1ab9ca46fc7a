using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Img;

/// <summary>A snapshot inside an image that is to be read instead of what the image is now (<c>-l</c>). No driver can read one yet.</summary>
internal static class SourceSnapshot
{
    private const string Prefix = "snapshot.";

    /// <summary>Refuses a text that names no snapshot.</summary>
    /// <exception cref="BlockException">It has the form of options, and there is no such option.</exception>
    public static void Check(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return;
        }

        foreach ((string name, _) in QemuOptsParser.Parse(text).Entries)
        {
            if (name is not (Prefix + "id" or Prefix + "name"))
            {
                throw new BlockException($"Invalid parameter '{name}'\nFailed in parsing snapshot param '{text}'");
            }
        }
    }

    /// <summary>Why the snapshot called <paramref name="text"/> of <paramref name="source"/> cannot be read.</summary>
    public static BlockException Refusal(BlockBackend source, string text)
    {
        Check(text);
        string driver = source.Root is { } root ? BackingChain.SkipFilters(root).Driver.Name : "";
        return new BlockException(BlockErrorKind.NotSupported, $"Failed to load snapshot: Block format '{driver}' used by device '' does not support temporarily loading internal snapshots");
    }
}
