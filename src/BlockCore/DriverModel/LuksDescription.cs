using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a person may want to know of a LUKS volume, whichever format it lies in. <i>QEMU: QCryptoBlockInfoLUKS.</i></summary>
public static class LuksDescription
{
    /// <summary>What an image's information has of a volume.</summary>
    public static OptionsDictionary Of(LuksInformation volume)
    {
        ArgumentNullException.ThrowIfNull(volume);
        OptionsDictionary data = new()
        {
            { "ivgen-alg", volume.IvAlgorithm },
            { "hash-alg", volume.HashAlgorithm },
            { "cipher-alg", volume.CipherAlgorithm },
            { "uuid", volume.Uuid },
        };

        // Only where it has a part in them.
        if (volume is { IvAlgorithm: "essiv", IvHash: { } ivHash })
        {
            data["ivgen-hash-alg"] = ivHash;
        }

        OptionsList slots = [];
        foreach (LuksSlotInformation slot in volume.Slots)
        {
            slots.Add(Describe(slot));
        }

        data["cipher-mode"] = volume.CipherMode;
        data["slots"] = slots;
        data["payload-offset"] = volume.PayloadOffset;
        data["master-key-iters"] = volume.MasterKeyIterationCount;
        return data;
    }

    private static OptionsDictionary Describe(LuksSlotInformation slot)
    {
        OptionsDictionary data = new() { { "active", slot.IsActive } };
        if (slot.IsActive)
        {
            data["iters"] = slot.IterationCount;
        }

        data["key-offset"] = slot.KeyOffset;
        if (slot.IsActive)
        {
            data["stripes"] = slot.StripeCount;
        }

        return data;
    }
}
