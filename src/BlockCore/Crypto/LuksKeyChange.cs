using BlockGraph.BlockCore.Errors;

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

    /// <summary>Refuses a change that makes no sense whatever the volume is.</summary>
    /// <exception cref="BlockException">It makes none; the message names the option.</exception>
    public static void Check(bool isActivating, bool hasNewPassphrase, bool hasOldPassphrase, bool hasIterTime, long? slot)
    {
        if (isActivating && !hasNewPassphrase)
        {
            throw new BlockException("'new-secret' is required to activate a keyslot");
        }

        if (isActivating && hasOldPassphrase)
        {
            throw new BlockException("'old-secret' must not be given when activating keyslots");
        }

        if (!isActivating && hasNewPassphrase)
        {
            throw new BlockException("'new-secret' must not be given when erasing keyslots");
        }

        if (!isActivating && hasIterTime)
        {
            throw new BlockException("'iter-time' must not be given when erasing keyslots");
        }

        if (slot is < 0 or >= LuksHeader.SlotCount)
        {
            throw new BlockException($"Invalid keyslot {slot} specified, must be between 0 and {LuksHeader.SlotCount - 1}");
        }

        if (!isActivating && slot is null && !hasOldPassphrase)
        {
            throw new BlockException("To erase keyslot(s), either explicit keyslot index or the password currently contained in them must be given");
        }
    }
}
