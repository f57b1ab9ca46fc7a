using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>The options of LUKS images: to open one, to make one, to change its key slots.</summary>
internal static class LuksOptions
{
    /// <summary>The node with the encrypted data; with the header before them, unless that lies elsewhere.</summary>
    public const string FileKey = "file";

    /// <summary>The node with the header, where that lies elsewhere.</summary>
    public const string HeaderKey = "header";

    /// <summary>The secret that opens a key slot.</summary>
    public const string SecretKey = "key-secret";

    private const string CipherKey = "cipher-alg";
    private const string ModeKey = "cipher-mode";
    private const string HashKey = "hash-alg";
    private const string IvKey = "ivgen-alg";
    private const string IvHashKey = "ivgen-hash-alg";
    private const string IterTimeKey = "iter-time";
    private const string DetachedKey = "detached-header";

    /// <summary>To open an image.</summary>
    public static OptionSchema Open { get; } = new(
        new OptionDefinition(FileKey, OptionType.Child, "the node or options that hold the image") { IsRequired = true },
        new OptionDefinition(HeaderKey, OptionType.Child, "the node or options that hold the header, where it does not lie before the data") { IsOwnOnly = true },
        new OptionDefinition(SecretKey, OptionType.String, "ID of the secret that provides the keyslot passphrase") { IsStrong = true });

    /// <summary>To make one. What is left out is told to nobody, so nothing has a default here.</summary>
    public static OptionSchema Create { get; } = new(
        new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "Virtual disk size"),
        new OptionDefinition(SecretKey, OptionType.String, "ID of the secret that provides the keyslot passphrase"),
        new OptionDefinition(CipherKey, OptionType.Enum, "Name of encryption cipher algorithm") { AllowedValues = LuksVolume.CipherAlgorithms },
        new OptionDefinition(ModeKey, OptionType.Enum, "Name of encryption cipher mode") { AllowedValues = LuksVolume.CipherModes },
        new OptionDefinition(IvKey, OptionType.Enum, "Name of IV generator algorithm") { AllowedValues = LuksVolume.IvAlgorithms },
        new OptionDefinition(IvHashKey, OptionType.Enum, "Name of IV generator hash algorithm") { AllowedValues = LuksVolume.HashAlgorithms },
        new OptionDefinition(HashKey, OptionType.Enum, "Name of encryption hash algorithm") { AllowedValues = LuksVolume.HashAlgorithms },
        new OptionDefinition(IterTimeKey, OptionType.Integer, "Time to spend in PBKDF in milliseconds"),
        new OptionDefinition(DetachedKey, OptionType.Boolean, "Make the header alone, for data in a file of their own"));

    /// <summary>To change its key slots.</summary>
    public static OptionSchema Amend { get; } = new([.. LuksKeyChangeReader.Define("")]);

    /// <summary>The passphrase that <paramref name="options"/> refer to.</summary>
    /// <exception cref="BlockException">They name none, or there is none.</exception>
    public static KeyMaterial TakeSecret(NodeGraph graph, OptionReader options) => TakeSecret(graph, options.GetString(SecretKey));

    /// <summary>The passphrase in the secret <paramref name="id"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public static KeyMaterial TakeSecret(NodeGraph graph, string? id) =>
        id is null ? throw new BlockException($"Parameter '{SecretKey}' is required for cipher") : SecretObject.CopyOfText(graph, id);

    /// <summary>How the image is to be made.</summary>
    /// <exception cref="BlockException">A value is malformed.</exception>
    public static LuksFormatOptions ReadFormat(OptionReader options) =>
        LuksFormatReader.Read(options, "", out _) with { IsDetached = options.GetBoolean(DetachedKey) };
}
