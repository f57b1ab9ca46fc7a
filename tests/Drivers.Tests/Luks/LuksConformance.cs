using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Formats.Luks;
using BlockGraph.TestKit.Conformance;

namespace BlockGraph.Drivers.Tests.Luks;

/// <summary>LUKS images, as every format must be.</summary>
public sealed class LuksConformance : FormatConformance<LuksDriver>
{
    private static readonly Lazy<byte[]> s_header = new(() => LuksImage.Make(0, new LuksFormatOptions { CipherAlgorithm = "aes-128", IterTimeMs = 0 }));

    protected override string OptionText => $"key-secret={LuksImage.SecretId}";

    // The rest are key material and salts: damage there is a wrong passphrase.
    protected override int HeaderBytes => 300;

    // The upper halves of two counts of iterations: millions are possible. LuksVolumeTests has them, up to the cap and beyond.
    protected override bool MayCostSeconds(int offset) => offset is 164 or 165 or 212 or 213;

    protected override byte[] MakeImage(long lengthBytes) => [.. s_header.Value, .. new byte[lengthBytes]];

    protected override Task PrepareGraphAsync(NodeGraph graph) => LuksImage.AddSecretAsync(graph);
}
