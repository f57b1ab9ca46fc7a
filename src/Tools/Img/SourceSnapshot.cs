using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Img;

/// <summary>A snapshot inside an image that is to be read instead of what the image is now (<c>-l</c>).</summary>
internal static class SourceSnapshot
{
    private const string Prefix = "snapshot.";

    /// <summary>True where <paramref name="text"/> has the form of options: it is of the first source then, whatever follows it.</summary>
    public static bool IsOptions(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Refuses a text that names no snapshot.</summary>
    /// <exception cref="BlockException">It has the form of options, and there is no such option.</exception>
    public static void Check(string text)
    {
        if (!IsOptions(text))
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

    /// <summary>From now on <paramref name="source"/> reads as it was when the snapshot called <paramref name="text"/> was made.</summary>
    /// <exception cref="BlockException">There is none of that id or name, or it cannot be read.</exception>
    public static async Task ShowAsync(BlockBackend source, string text)
    {
        Check(text);
        BlockNode node = BackingChain.SkipFilters(source.Root!);
        if (node.Instance.Snapshots is not { } snapshots)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Failed to load snapshot: Block format '{source.Root!.Driver.Name}' used by device '' does not support temporarily loading internal snapshots");
        }

        ImageSnapshot snapshot = Find(snapshots, text) ?? throw new BlockException(BlockErrorKind.NotFound, "Failed to load snapshot: Can't find snapshot");
        try
        {
            await source.ShowSnapshotAsync(snapshot);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Failed to load snapshot: ");
        }
    }

    /// <summary>The snapshot called <paramref name="text"/>: by id and name where it has the form of options, else by id, else by name.</summary>
    public static ImageSnapshot? Find(IImageSnapshots snapshots, string text)
    {
        if (!IsOptions(text))
        {
            return snapshots.All.FirstOrDefault(snapshot => snapshot.Id == text) ?? snapshots.All.FirstOrDefault(snapshot => snapshot.Name == text);
        }

        string? id = null;
        string? name = null;
        foreach ((string key, string value) in QemuOptsParser.Parse(text).Entries)
        {
            (id, name) = key == Prefix + "id" ? (value, name) : (id, value);
        }

        return snapshots.All.FirstOrDefault(snapshot => (id is null || snapshot.Id == id) && (name is null || snapshot.Name == name));
    }
}
