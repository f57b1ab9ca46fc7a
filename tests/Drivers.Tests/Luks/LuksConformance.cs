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

    // Behind the names come digests and counts: each damaged one costs a derivation, up to seconds. Tests of the header hold their ranges.
    protected override int HeaderBytes => 104;

    protected override byte[] MakeImage(long lengthBytes) => [.. s_header.Value, .. new byte[lengthBytes]];

    protected override Task PrepareGraphAsync(NodeGraph graph) => LuksImage.AddSecretAsync(graph);
}
