using System.Security.Cryptography;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>One of the hashes that keys are derived and spread with. <i>QEMU: QCryptoHashAlgorithm.</i></summary>
internal sealed class KeyHash
{
    private readonly Func<ReadOnlySpan<byte>, ReadOnlySpan<byte>, int, KeyHash, KeyDerivation> _start;

    private KeyHash(string name, HashAlgorithmName algorithm, int digestBytes, int blockBytes, Func<ReadOnlySpan<byte>, ReadOnlySpan<byte>, int, KeyHash, KeyDerivation> start)
    {
        Name = name;
        Algorithm = algorithm;
        DigestBytes = digestBytes;
        BlockBytes = blockBytes;
        _start = start;
    }

    /// <summary>Those that there are.</summary>
    public static IReadOnlyList<KeyHash> All { get; } =
    [
        new("sha1", HashAlgorithmName.SHA1, 20, 64, static (passphrase, salt, keyBytes, hash) => new LaneDerivation<uint>(new Sha1Lanes(), hash, passphrase, salt, keyBytes)),
        new("sha256", HashAlgorithmName.SHA256, 32, 64, static (passphrase, salt, keyBytes, hash) => new LaneDerivation<uint>(new Sha256Lanes(), hash, passphrase, salt, keyBytes)),
        new("sha512", HashAlgorithmName.SHA512, 64, 128, static (passphrase, salt, keyBytes, hash) => new LaneDerivation<ulong>(new Sha512Lanes(), hash, passphrase, salt, keyBytes)),
    ];

    /// <summary>What headers and options call it.</summary>
    public string Name { get; }

    /// <summary>What the platform calls it.</summary>
    public HashAlgorithmName Algorithm { get; }

    /// <summary>How long its result is.</summary>
    public int DigestBytes { get; }

    /// <summary>How much it takes in at a time.</summary>
    public int BlockBytes { get; }

    /// <summary>The hash called <paramref name="name"/>, or null.</summary>
    public static KeyHash? Find(string name) => All.FirstOrDefault(hash => hash.Name == name);

    /// <summary>The hash of <paramref name="data"/>.</summary>
    public int HashData(ReadOnlySpan<byte> data, Span<byte> digest) => CryptographicOperations.HashData(Algorithm, data, digest);

    /// <summary>Begins to derive a key.</summary>
    public KeyDerivation Derive(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, int keyBytes) => _start(passphrase, salt, keyBytes, this);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
