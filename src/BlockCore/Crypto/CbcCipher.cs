using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>AES in the mode CBC (NIST SP 800-38A), each sector a chain of its own. It owns what it is made of.</summary>
internal sealed class CbcCipher(AesBlocks data, SectorIv iv) : SectorCipher
{
    private const int BlockBytes = AesBlocks.BlockBytes;

    /// <summary>A chain can only be walked block after block; so all sectors' chains are walked side by side.</summary>
    private protected override void EncryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<byte> chains = stackalloc byte[BatchSectors * BlockBytes];
        chains = chains[..(source.Length / SectorBytes * BlockBytes)];
        iv.Fill(firstSector, chains);
        for (int at = 0; at < SectorBytes; at += BlockBytes)
        {
            for (int chain = 0, from = at; chain < chains.Length; chain += BlockBytes, from += SectorBytes)
            {
                Xor(source[from..], chains[chain..], chains[chain..]);
            }

            data.Encrypt(chains, chains);
            for (int chain = 0, to = at; chain < chains.Length; chain += BlockBytes, to += SectorBytes)
            {
                chains.Slice(chain, BlockBytes).CopyTo(destination[to..]);
            }
        }
    }

    /// <inheritdoc/>
    private protected override void DecryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<byte> vectors = stackalloc byte[BatchSectors * BlockBytes];
        Span<byte> plain = stackalloc byte[BatchSectors * SectorBytes];
        iv.Fill(firstSector, vectors[..(source.Length / SectorBytes * BlockBytes)]);
        plain = plain[..source.Length];
        data.Decrypt(source, plain);

        // From the end, for the destination may be the source, and each block wants the one before it as it was.
        for (int at = source.Length - BlockBytes; at >= 0; at -= BlockBytes)
        {
            ReadOnlySpan<byte> before = at % SectorBytes == 0 ? vectors[(at / SectorBytes * BlockBytes)..] : source[(at - BlockBytes)..];
            Xor(plain[at..], before, destination[at..]);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool isDisposing)
    {
        data.Dispose();
        iv.Dispose();
    }

    private static void Xor(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination) =>
        (Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(first)) ^ Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(second)))
            .StoreUnsafe(ref MemoryMarshal.GetReference(destination));
}
