using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The options about encryption, of an open image and of a new one.</summary>
internal static class Qcow2EncryptionOptions
{
    /// <summary>What stands before their names.</summary>
    public const string Prefix = "encrypt.";

    private const string FormatKey = "encrypt.format";
    private const string SecretKey = "encrypt.key-secret";
    private const string AliasKey = "encryption";
    private const string Aes = "aes";
    private const string Luks = "luks";

    /// <summary>To open an image.</summary>
    public static IReadOnlyList<OptionDefinition> Open { get; } =
    [
        new OptionDefinition(FormatKey, OptionType.String, "how the image is encrypted: aes or luks; by default as it says"),
        new OptionDefinition(SecretKey, OptionType.String, "ID of the secret that opens the image") { IsStrong = true },
    ];

    /// <summary>To make one.</summary>
    public static IReadOnlyList<OptionDefinition> Create { get; } =
    [
        new OptionDefinition(AliasKey, OptionType.Boolean, "Encrypt the image with format 'aes'. (Deprecated in favor of encrypt.format=aes)"),
        new OptionDefinition(FormatKey, OptionType.String, "Encrypt the image, format choices: 'aes', 'luks'"),
        new OptionDefinition(SecretKey, OptionType.String, "ID of secret providing qcow AES key or LUKS passphrase"),
        new OptionDefinition("encrypt.cipher-alg", OptionType.String, "Name of encryption cipher algorithm"),
        new OptionDefinition("encrypt.cipher-mode", OptionType.String, "Name of encryption cipher mode"),
        new OptionDefinition("encrypt.ivgen-alg", OptionType.String, "Name of IV generator algorithm"),
        new OptionDefinition("encrypt.ivgen-hash-alg", OptionType.String, "Name of IV generator hash algorithm"),
        new OptionDefinition("encrypt.hash-alg", OptionType.String, "Name of encryption hash algorithm"),
        new OptionDefinition("encrypt.iter-time", OptionType.Integer, "Time to spend in PBKDF in milliseconds"),
    ];

    /// <summary>Opens the cipher of an image; null where it is not encrypted, or only looked at.</summary>
    /// <exception cref="BlockException">The options contradict the image, or open nothing.</exception>
    public static async Task<(LuksVolume? Volume, Qcow2Cipher? Cipher)> OpenAsync(OpenContext context, BlockChild file, Qcow2HeaderArea area, string? format, string? secretId, CancellationToken cancel)
    {
        Qcow2Encryption encryption = area.Header.Encryption;
        if (encryption == Qcow2Encryption.None)
        {
            return format is null ? default : throw new BlockException($"No encryption in image header, but options specified format '{format}'");
        }

        string there = NameOf(encryption);
        if (format is not null && format != there)
        {
            throw new BlockException($"Header reported '{there}' encryption format but options specify '{format}'");
        }

        if (encryption == Qcow2Encryption.Luks && area.EncryptionHeader is null)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "Missing CRYPTO header for crypt method 2");
        }

        LuksVolume? volume = area.EncryptionHeader is var (offset, lengthBytes)
            ? await LuksVolume.OpenAsync(new EncryptionHeaderArea(file, offset, lengthBytes), context.Context, isDetached: false, cancel)
            : null;
        if (context.IsForInformation)
        {
            return (volume, null);
        }

        using KeyMaterial passphrase = TakeSecret(context.Graph, secretId);
        return (volume, volume is null
            ? new Qcow2Cipher(SectorCipher.CreateLegacy(passphrase.Span), countsHostSectors: false)
            : new Qcow2Cipher(await volume.UnlockAsync(passphrase, cancel), countsHostSectors: true));
    }

    /// <summary>The passphrase in the secret <paramref name="id"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public static KeyMaterial TakeSecret(NodeGraph graph, string? id) =>
        id is null ? throw new BlockException($"Parameter '{SecretKey}' is required for cipher") : SecretObject.CopyOfText(graph, id);

    /// <summary>The method by which a new image is to be encrypted, under either of its names; null for none.</summary>
    /// <exception cref="BlockException">Both names ask for one.</exception>
    public static string? ReadFormat(OptionReader options)
    {
        string? format = options.GetString(FormatKey);
        bool alias = options.GetBooleanOrNull(AliasKey) == true;
        return format is not null && alias
            ? throw new BlockException($"'{FormatKey}' and its alias '{AliasKey}' can't be used at the same time")
            : format ?? (alias ? Aes : null);
    }

    /// <summary>How a new image is to be encrypted by <paramref name="format"/>; null for not at all.</summary>
    /// <exception cref="BlockException">The options contradict each other, or name what there is not.</exception>
    public static EncryptionRequest? ReadRequest(OptionReader options, string? format)
    {
        string? secretId = options.GetString(SecretKey);
        LuksFormatOptions luks = LuksFormatReader.Read(options, Prefix, out bool hasLuksOptions);
        return format switch
        {
            null => !hasLuksOptions && secretId is null ? null : throw new BlockException($"Parameter '{FormatKey}' is missing"),
            Aes => new EncryptionRequest(Qcow2Encryption.Aes, secretId, luks),
            Luks => new EncryptionRequest(Qcow2Encryption.Luks, secretId, luks),
            _ => throw new BlockException($"Parameter 'format' does not accept value '{format}'"),
        };
    }

    /// <summary>The key, and for LUKS the header, of a new image.</summary>
    /// <exception cref="BlockException">There is no such secret, or no image is encrypted so.</exception>
    public static async Task<NewEncryption> MakeAsync(CreateContext context, EncryptionRequest? request, CancellationToken cancel)
    {
        if (request is null)
        {
            return NewEncryption.None;
        }

        using KeyMaterial passphrase = TakeSecret(context.Graph, request.SecretId);
        if (request.Method == Qcow2Encryption.Aes)
        {
            return context.Graph.Profile.UsesLegacyAes
                ? new NewEncryption(Qcow2Encryption.Aes, default, ToOpen(request.SecretId))
                : throw new BlockException(BlockErrorKind.NotSupported, "Encryption 'aes' can be undone by whoever guesses a part of the data; use encrypt.format=luks");
        }

        // The volume has room for every key slot, though only the first has a key.
        byte[] header = new byte[LuksVolume.MeasureHeader(request.Luks)];
        (await LuksVolume.FormatAsync(context.Context, request.Luks, passphrase, cancel)).CopyTo(header);
        return new NewEncryption(Qcow2Encryption.Luks, header, ToOpen(request.SecretId));
    }

    /// <summary>How long the encryption header of a new image would be, in bytes; 0 for none.</summary>
    /// <exception cref="BlockException">The options contradict each other.</exception>
    public static long MeasureHeader(OptionReader options)
    {
        if (options.GetString(FormatKey) != Luks)
        {
            return 0;
        }

        return options.GetString(SecretKey) is null
            ? throw new BlockException($"Parameter '{SecretKey}' is required for cipher")
            : LuksVolume.MeasureHeader(LuksFormatReader.Read(options, Prefix, out _));
    }

    private static OptionsDictionary ToOpen(string? secretId) => secretId is null ? [] : new OptionsDictionary { { SecretKey, secretId } };

    private static string NameOf(Qcow2Encryption encryption) => encryption == Qcow2Encryption.Aes ? Aes : Luks;
}

/// <summary>How a new image is to be encrypted.</summary>
/// <param name="Method">By which method.</param>
/// <param name="SecretId">The ID of the secret that will open it, or null.</param>
/// <param name="Luks">What stands in a LUKS header.</param>
internal sealed record EncryptionRequest(Qcow2Encryption Method, string? SecretId, LuksFormatOptions Luks);

/// <summary>How a new image is encrypted.</summary>
/// <param name="Method">By which method.</param>
/// <param name="Header">What stands in the clusters of the encryption header; empty for none.</param>
/// <param name="ToOpen">What opening the image takes then.</param>
internal sealed record NewEncryption(Qcow2Encryption Method, ReadOnlyMemory<byte> Header, OptionsDictionary ToOpen)
{
    /// <summary>It is not.</summary>
    public static NewEncryption None { get; } = new(Qcow2Encryption.None, default, []);
}
