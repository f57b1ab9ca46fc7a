using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Tests.Luks;

/// <summary>LUKS images in memory, with as few iterations as there may be, and the secrets that open them.</summary>
internal static class LuksImage
{
    /// <summary>The id of the secret that opens every image.</summary>
    public const string SecretId = "sec0";

    /// <summary>What is in it. No message may ever have it.</summary>
    public const string Passphrase = "correct-horse-battery-staple-47";

    /// <summary>How small images are made.</summary>
    public static LuksFormatOptions Small { get; } = new() { CipherAlgorithm = "aes-128", CipherMode = "cbc", IvAlgorithm = "essiv", IterTimeMs = 0 };

    /// <summary>An image of <paramref name="lengthBytes"/>, whose data are as they come.</summary>
    public static byte[] Make(long lengthBytes, LuksFormatOptions? options = null)
    {
        options ??= Small;
        byte[] image = new byte[LuksVolume.MeasureHeader(options) + lengthBytes];
        using PolledAioContext context = new("format");
        context.Run(async () =>
        {
            using KeyMaterial passphrase = new(System.Text.Encoding.UTF8.GetBytes(Passphrase));
            (await LuksVolume.FormatAsync(context, options, passphrase, default)).CopyTo(image);
        });
        return image;
    }

    /// <summary>Makes the secret in <paramref name="graph"/>.</summary>
    public static Task AddSecretAsync(NodeGraph graph, string id = SecretId, string passphrase = Passphrase) =>
        graph.ObjectTree.AddAsync("secret", id, new OptionsDictionary { { "data", passphrase } });
}
