using System.Security.Cryptography;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// Bytes that nobody may see: a passphrase, a key. They stand in pinned memory, so that the collector leaves no copies behind, and are wiped by Dispose.
/// Its text never holds them.
/// </summary>
public sealed class KeyMaterial : IDisposable
{
    private readonly byte[] _bytes;

    /// <summary><paramref name="lengthBytes"/> bytes of zeros, to be filled.</summary>
    public KeyMaterial(int lengthBytes) => _bytes = GC.AllocateArray<byte>(lengthBytes, pinned: true);

    /// <summary>A copy of <paramref name="source"/>.</summary>
    public KeyMaterial(ReadOnlySpan<byte> source)
        : this(source.Length) => source.CopyTo(_bytes);

    /// <summary>How many there are.</summary>
    public int Length => _bytes.Length;

    /// <summary>The bytes.</summary>
    public Span<byte> Span => _bytes;

    /// <summary>The bytes, for what is done later.</summary>
    public Memory<byte> Memory => _bytes;

    /// <summary>Bytes that nobody can guess, from the operating system.</summary>
    public static KeyMaterial CreateRandom(int lengthBytes)
    {
        KeyMaterial material = new(lengthBytes);
        RandomNumberGenerator.Fill(material.Span);
        return material;
    }

    /// <summary>The same bytes once more, with an owner of their own.</summary>
    public KeyMaterial Copy() => new(Span);

    /// <summary>True where both have the same bytes. It takes the same time whichever differ.</summary>
    public bool Matches(ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(Span, other);

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    /// <inheritdoc/>
    public override string ToString() => $"{Length} secret bytes";
}
