using System.Buffers.Binary;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>What makes each sector's encryption another: an initial vector of 16 bytes from its number. <i>QEMU: QCryptoIVGen.</i></summary>
internal abstract class SectorIv : IDisposable
{
    /// <summary>Fills <paramref name="vectors"/>, 16 bytes a sector, for the sectors from <paramref name="firstSector"/> on.</summary>
    public abstract void Fill(long firstSector, Span<byte> vectors);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>The number itself, little-endian: all of it (<c>plain64</c>), or its low 32 bits (<c>plain</c>).</summary>
internal sealed class PlainIv(bool hasAllBits) : SectorIv
{
    /// <inheritdoc/>
    public override void Fill(long firstSector, Span<byte> vectors)
    {
        vectors.Clear();
        for (int i = 0; i < vectors.Length; i += AesBlocks.BlockBytes, firstSector++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(vectors[i..], hasAllBits ? firstSector : firstSector & uint.MaxValue);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // It holds no key.
    }
}

/// <summary>The number, encrypted under a hash of the key (<c>essiv</c>). It owns <paramref name="blocks"/>.</summary>
internal sealed class EssivIv(AesBlocks blocks) : SectorIv
{
    /// <inheritdoc/>
    public override void Fill(long firstSector, Span<byte> vectors)
    {
        vectors.Clear();
        for (int i = 0; i < vectors.Length; i += AesBlocks.BlockBytes, firstSector++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(vectors[i..], firstSector);
        }

        blocks.Encrypt(vectors, vectors);
    }

    /// <inheritdoc/>
    public override void Dispose() => blocks.Dispose();
}
