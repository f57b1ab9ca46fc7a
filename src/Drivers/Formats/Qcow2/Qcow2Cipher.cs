using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Encrypts and decrypts guest data (specification: Data encryption): by where it lies in the file, or, of the old method, by where the guest has it.
/// </summary>
internal sealed class Qcow2Cipher(SectorCipher cipher, bool countsHostSectors) : IDisposable
{
    /// <summary>Decrypts what was read, where it was read to.</summary>
    public void Decrypt(long guestOffset, long hostOffset, IoVector buffer)
    {
        long sector = SectorOf(guestOffset, hostOffset);
        if (HasWholeSectors(buffer))
        {
            foreach (Memory<byte> segment in buffer)
            {
                cipher.Decrypt(sector, segment.Span, segment.Span);
                sector += segment.Length / SectorCipher.SectorBytes;
            }

            return;
        }

        byte[] whole = new byte[buffer.Length];
        buffer.CopyTo(whole);
        cipher.Decrypt(sector, whole, whole);
        buffer.CopyFrom(whole);
        whole.AsSpan().Clear();
    }

    /// <summary>What is to be written instead of <paramref name="buffer"/>, which is not to be changed.</summary>
    public Memory<byte> Encrypt(long guestOffset, long hostOffset, IoVector buffer, int alignmentBytes)
    {
        Memory<byte> encrypted = AlignedBuffer.Allocate(buffer.Length, alignmentBytes);
        buffer.CopyTo(encrypted.Span);
        cipher.Encrypt(SectorOf(guestOffset, hostOffset), encrypted.Span, encrypted.Span);
        return encrypted;
    }

    /// <inheritdoc/>
    public void Dispose() => cipher.Dispose();

    private long SectorOf(long guestOffset, long hostOffset)
    {
        long offset = countsHostSectors ? hostOffset : guestOffset;
        Invariant.Check(offset % SectorCipher.SectorBytes == 0);
        return offset / SectorCipher.SectorBytes;
    }

    private static bool HasWholeSectors(IoVector buffer)
    {
        foreach (Memory<byte> segment in buffer)
        {
            if (segment.Length % SectorCipher.SectorBytes != 0)
            {
                return false;
            }
        }

        return true;
    }
}
