namespace BlockGraph.BlockCore.Crypto;

/// <summary>How a new LUKS volume is made. <i>QEMU: QCryptoBlockCreateOptionsLUKS.</i></summary>
public sealed record LuksFormatOptions
{
    /// <summary>How long unlocking shall take where nothing is said, in milliseconds.</summary>
    public const long IterTimeMsDefault = 2000;

    /// <summary>The cipher and the length of its key: <c>aes-128</c>, <c>aes-192</c> or <c>aes-256</c>.</summary>
    public string CipherAlgorithm { get; init; } = "aes-256";

    /// <summary>Its mode: <c>xts</c> or <c>cbc</c>.</summary>
    public string CipherMode { get; init; } = "xts";

    /// <summary>How initial vectors are made: <c>plain64</c>, <c>plain</c> or <c>essiv</c>.</summary>
    public string IvAlgorithm { get; init; } = "plain64";

    /// <summary>The hash for that; null for the usual one, if any.</summary>
    public string? IvHash { get; init; }

    /// <summary>The hash that keys are derived and spread with: <c>sha1</c>, <c>sha256</c> or <c>sha512</c>.</summary>
    public string HashAlgorithm { get; init; } = "sha256";

    /// <summary>How long it shall take to unlock a key slot on this machine, in milliseconds.</summary>
    public long IterTimeMs { get; init; } = IterTimeMsDefault;

    /// <summary>The encrypted data will lie elsewhere, from their file's first byte on.</summary>
    public bool IsDetached { get; init; }
}
