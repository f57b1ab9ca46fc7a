using System.Security.Cryptography;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>
/// The object type <c>secret</c>: a passphrase or key that options refer to by its id. No message, property or list ever holds what is in it.
/// <i>QEMU: secret.</i>
/// </summary>
public sealed class SecretType : UserObjectType
{
    /// <summary>The type's name.</summary>
    internal const string TypeName = "secret";

    private const string DataKey = "data";
    private const string FileKey = "file";
    private const string FormatKey = "format";
    private const string KeyIdKey = "keyid";
    private const string IvKey = "iv";
    private const int LengthBytesMax = 1 << 20;
    private const int KeyBytes = 32;
    private const int BlockBytes = 16;

    private static readonly string[] s_formats = ["raw", "base64"];

    private static readonly OptionSchema s_options = new(
        new OptionDefinition(DataKey, OptionType.String, "the secret itself; others see it in the list of processes"),
        new OptionDefinition(FileKey, OptionType.String, "the file that holds it, all of whose bytes count"),
        new OptionDefinition(FormatKey, OptionType.Enum, "how the bytes are written down") { AllowedValues = s_formats, Default = s_formats[0] },
        new OptionDefinition(KeyIdKey, OptionType.String, "the secret of 32 bytes that it is encrypted with, by AES-256-CBC with PKCS#7"),
        new OptionDefinition(IvKey, OptionType.String, "the initial vector for that: 16 bytes in base64"));

    /// <inheritdoc/>
    public override string Name => TypeName;

    /// <inheritdoc/>
    public override string Summary => "a passphrase or key that options refer to";

    /// <inheritdoc/>
    public override OptionSchema Options => s_options;

    /// <inheritdoc/>
    public override IUserObject Create(UserObjectContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        string? data = context.Options.GetString(DataKey);
        string? file = context.Options.GetString(FileKey);
        string format = s_formats[context.Options.GetEnumIndex(FormatKey)];
        string? keyId = context.Options.GetString(KeyIdKey);
        string? iv = context.Options.GetString(IvKey);
        if (data is not null && file is not null)
        {
            throw new BlockException($"'{FileKey}' and '{DataKey}' are mutually exclusive");
        }

        if (data is null && file is null)
        {
            throw new BlockException($"Either '{FileKey}' or '{DataKey}' must be provided");
        }

        KeyMaterial written = data is not null ? SecretText.ToBytes(data) : ReadFile(context.Graph, file!);
        try
        {
            return new SecretObject(file, format, keyId, Decode(context.Graph, written, format == s_formats[1], keyId, iv));
        }
        finally
        {
            written.Dispose();
        }
    }

    private static KeyMaterial ReadFile(NodeGraph graph, string path)
    {
        byte[] contents = graph.Platform.ReadSmallFile(path, LengthBytesMax);
        KeyMaterial material = new(contents);
        CryptographicOperations.ZeroMemory(contents);
        return material;
    }

    private static KeyMaterial Decode(NodeGraph graph, KeyMaterial written, bool isBase64, string? keyId, string? iv)
    {
        if (keyId is null)
        {
            return isBase64 ? SecretText.FromBase64(written.Span) : written.Copy();
        }

        using KeyMaterial key = SecretObject.CopyOf(graph, keyId);
        using KeyMaterial vector = DecodeIv(key, iv);
        using KeyMaterial encrypted = isBase64 ? SecretText.FromBase64(written.Span) : written.Copy();
        return Decrypt(key, vector, encrypted);
    }

    private static KeyMaterial DecodeIv(KeyMaterial key, string? iv)
    {
        if (iv is null)
        {
            throw new BlockException("IV is required to decrypt secret");
        }

        if (key.Length != KeyBytes)
        {
            throw new BlockException($"Key should be {KeyBytes} bytes in length");
        }

        using KeyMaterial text = SecretText.ToBytes(iv);
        KeyMaterial vector = SecretText.FromBase64(text.Span);
        return vector.Length == BlockBytes ? vector : throw new BlockException($"IV should be {BlockBytes} bytes in length not {vector.Length}");
    }

    private static KeyMaterial Decrypt(KeyMaterial key, KeyMaterial vector, KeyMaterial encrypted)
    {
        if (encrypted.Length % BlockBytes != 0)
        {
            throw new BlockException($"Length {encrypted.Length} must be a multiple of block size {BlockBytes}");
        }

        using Aes aes = Aes.Create();
        aes.SetKey(key.Span);
        using KeyMaterial padded = new(encrypted.Length);
        aes.DecryptCbc(encrypted.Span, vector.Span, padded.Span, PaddingMode.None);
        int padding = padded.Length == 0 ? 0 : padded.Span[^1];
        if (padding is 0 or > BlockBytes || padded.Span[^padding..].ContainsAnyExcept((byte)padding))
        {
            throw new BlockException($"Incorrect number of padding bytes ({padding}) found on decrypted data");
        }

        return new KeyMaterial(padded.Span[..^padding]);
    }
}
