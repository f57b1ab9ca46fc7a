namespace BlockGraph.BlockCore.Crypto;

/// <summary>A change of a volume's key slots. <i>QEMU: QCryptoBlockAmendOptionsLUKS.</i></summary>
public sealed record LuksKeyChange
{
    /// <summary>Slots get a key, or lose it.</summary>
    public required bool IsActivating { get; init; }

    /// <summary>The passphrase of a slot that gets a key; null for none.</summary>
    public KeyMaterial? NewPassphrase { get; init; }

    /// <summary>Slots that this passphrase opens lose their key; null for others.</summary>
    public KeyMaterial? OldPassphrase { get; init; }

    /// <summary>The one slot that is meant; null for the first free one, or for those that the old passphrase opens.</summary>
    public long? Slot { get; init; }

    /// <summary>How long it shall take to unlock the slot on this machine, in milliseconds; null for the usual.</summary>
    public long? IterTimeMs { get; init; }

    /// <summary>A slot that is in use may be written over, and the last one may be erased, which loses all data.</summary>
    public bool IsForced { get; init; }
}
