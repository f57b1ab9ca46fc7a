using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>AES in the mode XTS (IEEE 1619, NIST SP 800-38E) over whole sectors. It owns what it is made of.</summary>
internal sealed class XtsCipher(AesBlocks data, AesBlocks tweak, SectorIv iv) : SectorCipher
{
    private const int BlockBytes = AesBlocks.BlockBytes;
    private const int SectorBlocks = SectorBytes / BlockBytes;

    /// <inheritdoc/>
    private protected override void EncryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<Vector128<ulong>> tweaks = stackalloc Vector128<ulong>[BatchSectors * SectorBlocks];
        tweaks = FillTweaks(firstSector, tweaks[..(source.Length / BlockBytes)]);
        Xor(source, tweaks, destination);
        data.Encrypt(destination, destination);
        Xor(destination, tweaks, destination);
    }

    /// <inheritdoc/>
    private protected override void DecryptBatch(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Span<Vector128<ulong>> tweaks = stackalloc Vector128<ulong>[BatchSectors * SectorBlocks];
        tweaks = FillTweaks(firstSector, tweaks[..(source.Length / BlockBytes)]);
        Xor(source, tweaks, destination);
        data.Decrypt(destination, destination);
        Xor(destination, tweaks, destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool isDisposing)
    {
        data.Dispose();
        tweak.Dispose();
        iv.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Span<Vector128<ulong>> FillTweaks(long firstSector, Span<Vector128<ulong>> tweaks)
    {
        Span<byte> seeds = stackalloc byte[BatchSectors * BlockBytes];
        seeds = seeds[..(tweaks.Length / SectorBlocks * BlockBytes)];
        iv.Fill(firstSector, seeds);
        tweak.Encrypt(seeds, seeds);
        Span<ulong> words = MemoryMarshal.Cast<Vector128<ulong>, ulong>(tweaks);
        for (int sector = 0; sector < tweaks.Length / SectorBlocks; sector++)
        {
            ulong low = BinaryPrimitives.ReadUInt64LittleEndian(seeds[(sector * BlockBytes)..]);
            ulong high = BinaryPrimitives.ReadUInt64LittleEndian(seeds[((sector * BlockBytes) + 8)..]);
            Span<ulong> own = words.Slice(sector * SectorBlocks * 2, SectorBlocks * 2);
            for (int i = 0; i < own.Length; i += 2)
            {
                own[i] = low;
                own[i + 1] = high;

                // Times x in GF(2^128): a shift, and what falls out comes back as x^7 + x^2 + x + 1.
                ulong carry = (high >> 63) * 0x87;
                high = (high << 1) | (low >> 63);
                low = (low << 1) ^ carry;
            }
        }

        return tweaks;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Xor(ReadOnlySpan<byte> source, ReadOnlySpan<Vector128<ulong>> tweaks, Span<byte> destination)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte with = ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(tweaks));
        ref byte to = ref MemoryMarshal.GetReference(destination);
        nuint end = (nuint)source.Length;
        for (nuint at = 0; at < end; at += BlockBytes)
        {
            (Vector128.LoadUnsafe(ref from, at) ^ Vector128.LoadUnsafe(ref with, at)).StoreUnsafe(ref to, at);
        }
    }
}
