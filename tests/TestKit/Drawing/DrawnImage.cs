using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Drawing;

/// <summary>Makes what a drawing says that a node holds: an empty <c>cow</c> image, or <c>bytes</c> of one value.</summary>
internal static class DrawnImage
{
    private static readonly OptionSchema s_bytes = new(
        new OptionDefinition("size", OptionType.Size, "how many"),
        new OptionDefinition("value", OptionType.Integer, "which") { Default = "0" });

    /// <summary>Makes the image in <paramref name="node"/>, which nobody uses yet.</summary>
    public static Task MakeAsync(BlockNode node, string format, IEnumerable<DrawnOption> drawn)
    {
        OptionsDictionary options = [];
        foreach (DrawnOption option in drawn)
        {
            options.Add(option.Key, option.Value);
        }

        return format switch
        {
            "cow" => CowImage.CreateAsync(node, CowImageOptions.Read(options)),
            "bytes" => FillAsync(node, options),
            _ => throw new BlockException(BlockErrorKind.NotFound, $"Node '{node.Name}' cannot hold '{format}': only cow or bytes"),
        };
    }

    private static async Task FillAsync(BlockNode node, OptionsDictionary options)
    {
        OptionReader reader = new(options, s_bytes);
        await using BlockBackend backend = await node.Graph.AttachBackendAsync(node, new BackendOptions { CanResize = true });
        byte[] bytes = new byte[reader.GetSizeOrNull("size") ?? backend.LengthBytes];
        Array.Fill(bytes, checked((byte)reader.GetInteger("value")));
        if (backend.LengthBytes != bytes.Length)
        {
            await backend.TruncateAsync(bytes.Length);
        }

        await backend.WriteAsync(0, bytes);
    }
}
