using System.Buffers.Binary;
using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// A key spread over so many stripes that all of them must be read to have it: a disk that keeps a copy of any one sector's old contents then does not
/// keep the key. LUKS1 section 2.4.
/// </summary>
internal static class AntiForensicKey
{
    /// <summary>Spreads <paramref name="key"/> over <paramref name="stripes"/>, which is a multiple of its length long.</summary>
    public static void Split(KeyHash hash, ReadOnlySpan<byte> key, Span<byte> stripes)
    {
        RandomNumberGenerator.Fill(stripes[..^key.Length]);
        using KeyMaterial sum = new(key.Length);
        Mix(hash, stripes, sum.Span);
        Xor(key, sum.Span);
        sum.Span.CopyTo(stripes[^key.Length..]);
    }

    /// <summary>Brings the key together again.</summary>
    public static void Merge(KeyHash hash, ReadOnlySpan<byte> stripes, Span<byte> key)
    {
        key.Clear();
        Mix(hash, stripes, key);
        Xor(stripes[^key.Length..], key);
    }

    // All stripes but the last, each spread over all that came before.
    private static void Mix(KeyHash hash, ReadOnlySpan<byte> stripes, Span<byte> sum)
    {
        Invariant.Check(stripes.Length % sum.Length == 0 && stripes.Length > sum.Length);
        byte[] message = GC.AllocateArray<byte>(sizeof(uint) + hash.DigestBytes, pinned: true);
        Span<byte> digest = stackalloc byte[hash.DigestBytes];
        for (int at = 0; at < stripes.Length - sum.Length; at += sum.Length)
        {
            Xor(stripes.Slice(at, sum.Length), sum);
            Diffuse(hash, sum, message, digest);
        }

        CryptographicOperations.ZeroMemory(message);
        CryptographicOperations.ZeroMemory(digest);
    }

    // Each piece, as long as a digest, becomes the digest of its number and itself.
    private static void Diffuse(KeyHash hash, Span<byte> sum, Span<byte> message, Span<byte> digest)
    {
        for (int at = 0; at < sum.Length; at += digest.Length)
        {
            Span<byte> piece = sum.Slice(at, Math.Min(digest.Length, sum.Length - at));
            BinaryPrimitives.WriteInt32BigEndian(message, at / digest.Length);
            piece.CopyTo(message[sizeof(int)..]);
            hash.HashData(message[..(sizeof(int) + piece.Length)], digest);
            digest[..piece.Length].CopyTo(piece);
        }
    }

    private static void Xor(ReadOnlySpan<byte> source, Span<byte> target)
    {
        for (int i = 0; i < target.Length; i++)
        {
            target[i] ^= source[i];
        }
    }
}
