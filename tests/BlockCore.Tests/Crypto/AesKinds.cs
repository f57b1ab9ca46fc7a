using BlockGraph.BlockCore.Crypto;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>The ways in which AES is carried out here.</summary>
internal static class AesKinds
{
    /// <summary>What makes each that this machine has.</summary>
    public static IEnumerable<Func<byte[], AesBlocks>> All
    {
        get
        {
            yield return key => new PlatformAesBlocks(key);
            if (ProcessorAesBlocks.IsSupported)
            {
                yield return key => new ProcessorAesBlocks(key);
            }
        }
    }
}
