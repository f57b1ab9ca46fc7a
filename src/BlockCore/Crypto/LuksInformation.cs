namespace BlockGraph.BlockCore.Crypto;

/// <summary>What anybody may know of a LUKS volume, without a passphrase. <i>QEMU: QCryptoBlockInfoLUKS.</i></summary>
public sealed record LuksInformation
{
    /// <summary>The cipher, with the length of its key in bits.</summary>
    public required string CipherAlgorithm { get; init; }

    /// <summary>Its mode.</summary>
    public required string CipherMode { get; init; }

    /// <summary>How initial vectors are made.</summary>
    public required string IvAlgorithm { get; init; }

    /// <summary>The hash for that; null where it has none.</summary>
    public required string? IvHash { get; init; }

    /// <summary>The hash that keys are derived with.</summary>
    public required string HashAlgorithm { get; init; }

    /// <summary>Where the encrypted data begin, in bytes.</summary>
    public required long PayloadOffset { get; init; }

    /// <summary>How often the master key is hashed to see whether it is the right one.</summary>
    public required long MasterKeyIterationCount { get; init; }

    /// <summary>What tells the volume from others.</summary>
    public required string Uuid { get; init; }

    /// <summary>The key slots.</summary>
    public required IReadOnlyList<LuksSlotInformation> Slots { get; init; }
}

/// <summary>What anybody may know of a key slot.</summary>
/// <param name="IsActive">It holds a key.</param>
/// <param name="IterationCount">How often a passphrase is hashed for it.</param>
/// <param name="StripeCount">Over how many stripes the key is spread.</param>
/// <param name="KeyOffset">Where its key material is, in bytes.</param>
public sealed record LuksSlotInformation(bool IsActive, long IterationCount, long StripeCount, long KeyOffset);
