using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>Which cipher a LUKS volume has: algorithm, mode, how it gets initial vectors, and the length of its key. Only what can be carried out is one.</summary>
internal sealed record LuksCipher
{
    /// <summary>What stands in a header as the cipher's name.</summary>
    public const string HeaderName = "aes";

    private const string Xts = "xts";
    private const string Cbc = "cbc";
    private const string Plain = "plain";
    private const string Plain64 = "plain64";
    private const string Essiv = "essiv";

    private LuksCipher(string mode, string ivAlgorithm, string? ivHash, int keyBytes)
    {
        Mode = mode;
        IvAlgorithm = ivAlgorithm;
        IvHash = ivHash;
        KeyBytes = keyBytes;
    }

    /// <summary>The modes, as options and headers call them.</summary>
    public static IReadOnlyList<string> Modes { get; } = [Cbc, Xts];

    /// <summary>The sources of initial vectors, as options and headers call them.</summary>
    public static IReadOnlyList<string> IvAlgorithms { get; } = [Plain, Plain64, Essiv];

    /// <summary>The algorithms, as options call them.</summary>
    public static IReadOnlyList<string> Algorithms { get; } = ["aes-128", "aes-192", "aes-256"];

    /// <summary><c>xts</c> or <c>cbc</c>.</summary>
    public string Mode { get; }

    /// <summary><c>plain</c>, <c>plain64</c> or <c>essiv</c>.</summary>
    public string IvAlgorithm { get; }

    /// <summary>The hash that goes with it; null where none was named.</summary>
    public string? IvHash { get; }

    /// <summary>The length of the key, in bytes: XTS has two in it.</summary>
    public int KeyBytes { get; }

    /// <summary>The algorithm with the length of the key that it works with, such as <c>aes-256</c>.</summary>
    public string AlgorithmName => $"aes-{AlgorithmKeyBytes * 8}";

    /// <summary>What stands in the header as its mode, such as <c>xts-plain64</c>.</summary>
    public string HeaderMode => IvHash is null ? $"{Mode}-{IvAlgorithm}" : $"{Mode}-{IvAlgorithm}:{IvHash}";

    private int AlgorithmKeyBytes => Mode == Xts ? KeyBytes / 2 : KeyBytes;

    /// <summary>What a header says.</summary>
    /// <exception cref="BlockException">It cannot be carried out; the message names it.</exception>
    public static LuksCipher FromHeader(LuksHeader header)
    {
        int dash = header.CipherMode.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0)
        {
            throw Unsupported($"Unexpected cipher mode string format '{header.CipherMode}'");
        }

        string mode = header.CipherMode[..dash];
        string[] iv = header.CipherMode[(dash + 1)..].Split(':', 2);
        CheckMode(mode);
        if (mode == Xts && header.MasterKeyBytes % 2 != 0)
        {
            throw Unsupported("XTS cipher key length should be a multiple of 2");
        }

        if (header.CipherName != HeaderName || !IsKeyLength(mode == Xts ? header.MasterKeyBytes / 2 : header.MasterKeyBytes))
        {
            throw Unsupported($"Algorithm '{header.CipherName}' with key size {header.MasterKeyBytes} bytes not supported");
        }

        return Create(mode, iv[0], iv.Length > 1 ? iv[1] : null, (int)header.MasterKeyBytes);
    }

    /// <summary>What the options of a new volume say.</summary>
    /// <exception cref="BlockException">It cannot be carried out; the message names it.</exception>
    public static LuksCipher FromOptions(LuksFormatOptions options)
    {
        CheckMode(options.CipherMode);
        int index = Algorithms.ToList().IndexOf(options.CipherAlgorithm);
        if (index < 0)
        {
            throw Unsupported($"Algorithm '{options.CipherAlgorithm}' not supported");
        }

        int keyBytes = 16 + (8 * index);
        string? ivHash = options.IvHash ?? (options.IvAlgorithm == Essiv ? "sha256" : null);
        return Create(options.CipherMode, options.IvAlgorithm, ivHash, options.CipherMode == Xts ? 2 * keyBytes : keyBytes);
    }

    /// <summary>The cipher under <paramref name="key"/>, which has its length.</summary>
    public SectorCipher CreateCipher(ReadOnlySpan<byte> key)
    {
        Invariant.Check(key.Length == KeyBytes);
        AesBlocks data = AesBlocks.Create(key[..AlgorithmKeyBytes]);
        return Mode == Xts ? new XtsCipher(data, AesBlocks.Create(key[AlgorithmKeyBytes..]), CreateIv(key)) : new CbcCipher(data, CreateIv(key));
    }

    private SectorIv CreateIv(ReadOnlySpan<byte> key)
    {
        if (IvAlgorithm != Essiv)
        {
            return new PlainIv(IvAlgorithm == Plain64);
        }

        // The hash of the whole key is the key.
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, digest);
        EssivIv iv = new(AesBlocks.Create(digest));
        CryptographicOperations.ZeroMemory(digest);
        return iv;
    }

    private static LuksCipher Create(string mode, string ivAlgorithm, string? ivHash, int keyBytes)
    {
        if (!IvAlgorithms.Contains(ivAlgorithm))
        {
            throw Unsupported($"IV generator '{ivAlgorithm}' not supported");
        }

        // Any other hash's result is no key of AES, but SHA-1's is the one that people try.
        if (ivAlgorithm == Essiv && ivHash != "sha256")
        {
            throw Unsupported($"IV generator 'essiv' with hash '{ivHash}' not supported, only with 'sha256'");
        }

        return new LuksCipher(mode, ivAlgorithm, ivHash, keyBytes);
    }

    private static void CheckMode(string mode)
    {
        if (!Modes.Contains(mode))
        {
            throw Unsupported($"Cipher mode '{mode}' not supported");
        }
    }

    private static bool IsKeyLength(uint bytes) => bytes is 16 or 24 or 32;

    private static BlockException Unsupported(string message) => new(BlockErrorKind.NotSupported, message);
}
