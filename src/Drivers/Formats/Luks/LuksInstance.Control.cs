using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Luks;

/// <content>Unlocking, information, key slots. Control plane.</content>
internal sealed partial class LuksInstance
{
    /// <summary>Derives the key of the data.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">There is no such secret, or it opens no key slot.</exception>
    public async Task UnlockAsync(NodeGraph graph, CancellationToken cancel)
    {
        using KeyMaterial passphrase = LuksOptions.TakeSecret(graph, SecretId);
        _cipher = await _volume.UnlockAsync(passphrase, cancel);
    }

    /// <inheritdoc/>
    protected override Task<ImageInformation?> GetInformationAsync(CancellationToken cancel) => Task.FromResult<ImageInformation?>(new ImageInformation
    {
        IsEncrypted = true,
        IsDirty = false,
        Specific = new OptionsDictionary { { "type", "luks" }, { "data", Describe(_volume.Information) } },
    });

    /// <summary>Changes key slots.</summary>
    protected override Task AmendAsync(OptionsDictionary options, CancellationToken cancel) => AmendAsync(options, isForced: false, cancel);

    /// <inheritdoc/>
    protected override async Task AmendAsync(OptionsDictionary options, bool isForced, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);
        LuksKeyChange change = LuksOptions.ReadChange(Node.Graph, new OptionReader(options.Clone(), LuksOptions.Amend), isForced);
        using KeyMaterial? newPassphrase = change.NewPassphrase;
        using KeyMaterial? oldPassphrase = change.OldPassphrase;
        using KeyMaterial passphrase = LuksOptions.TakeSecret(Node.Graph, SecretId);
        await _volume.ChangeKeysAsync(change, passphrase, cancel);
    }

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        _cipher?.Dispose();
        return default;
    }

    private static OptionsDictionary Describe(LuksInformation volume)
    {
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
