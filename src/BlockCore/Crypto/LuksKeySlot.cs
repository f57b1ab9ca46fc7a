using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>One of the eight key slots in the header. LUKS1 section 3.1, figure 2; everything is big-endian.</summary>
/// <param name="State">Whether it holds a key: <see cref="Active"/> or <see cref="Inactive"/>. Offset 0.</param>
/// <param name="IterationCount">How often the passphrase is hashed; 1 at least in one that is active. Offset 4.</param>
/// <param name="Salt">What the passphrase is hashed with: 32 bytes. Offset 8.</param>
/// <param name="KeyOffsetSectors">Where its key material begins, in sectors of 512 bytes from the header's beginning. Offset 40.</param>
/// <param name="StripeCount">Over how many stripes the key is spread: 4000, always. Offset 44.</param>
internal readonly record struct LuksKeySlot(uint State, uint IterationCount, byte[] Salt, uint KeyOffsetSectors, uint StripeCount)
{
    /// <summary>The size of the structure.</summary>
    public const int Size = 48;

    /// <summary>The state of one that holds a key.</summary>
    public const uint Active = 0x00AC71F3;

    /// <summary>The state of one that holds none.</summary>
    public const uint Inactive = 0x0000DEAD;

    /// <summary>The only number of stripes that there is.</summary>
    public const int Stripes = 4000;

    /// <summary>The length of a salt.</summary>
    public const int SaltBytes = 32;

    /// <summary>It holds a key.</summary>
    public bool IsActive => State == Active;

    /// <summary>Where its key material begins, in bytes.</summary>
    public long KeyOffset => (long)KeyOffsetSectors * SectorCipher.SectorBytes;

    /// <summary>Reads one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> source, out LuksKeySlot slot)
    {
        slot = default;
        if (source.Length < Size)
        {
            return false;
        }

        slot = new LuksKeySlot(
            BinaryPrimitives.ReadUInt32BigEndian(source),
            BinaryPrimitives.ReadUInt32BigEndian(source[4..]),
            source.Slice(8, SaltBytes).ToArray(),
            BinaryPrimitives.ReadUInt32BigEndian(source[40..]),
            BinaryPrimitives.ReadUInt32BigEndian(source[44..]));
        return true;
    }

    /// <summary>Writes it to the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, State);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], IterationCount);
        Salt.CopyTo(destination[8..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[40..], KeyOffsetSectors);
        BinaryPrimitives.WriteUInt32BigEndian(destination[44..], StripeCount);
    }

    /// <summary>Refuses what no slot of number <paramref name="index"/> may say.</summary>
    /// <param name="index">Which it is.</param>
    /// <param name="headerSectors">How long the header is in front of all key material.</param>
    /// <param name="slotSectors">How long the key material is.</param>
    /// <param name="endSectors">Where key material must end; null where the data lie elsewhere.</param>
    /// <exception cref="BlockException">It says so.</exception>
    public void Check(int index, long headerSectors, long slotSectors, long? endSectors)
    {
        if (State is not (Active or Inactive))
        {
            throw Damaged($"Keyslot {index} state (active/disable) is corrupted");
        }

        if (StripeCount != Stripes)
        {
            throw Damaged($"Keyslot {index} is corrupted (stripes {unchecked((int)StripeCount)} != {Stripes})");
        }

        if (IsActive && IterationCount == 0)
        {
            throw Damaged($"Keyslot {index} iteration count is zero");
        }

        if (KeyOffsetSectors < headerSectors)
        {
            throw Damaged($"Keyslot {index} is overlapping with the LUKS header");
        }

        if (KeyOffsetSectors + slotSectors > endSectors)
        {
            throw Damaged($"Keyslot {index} is overlapping with the encrypted payload");
        }
    }

    private static BlockException Damaged(string message) => new(BlockErrorKind.CorruptImage, message);
}
