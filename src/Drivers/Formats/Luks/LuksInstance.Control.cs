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
        Specific = new OptionsDictionary { { "type", "luks" }, { "data", LuksDescription.Of(_volume.Information) } },
    });

    /// <summary>Changes key slots.</summary>
    protected override async Task AmendAsync(ImageAmendRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        LuksKeyChange change = LuksKeyChangeReader.Read(Node.Graph, new OptionReader(request.Options.Clone(), LuksOptions.Amend), "", request.IsForced);
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
}
