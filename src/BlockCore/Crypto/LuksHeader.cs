using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>The header of a LUKS1 volume. LUKS1 section 3.1, figure 1; everything is big-endian, texts end with a zero.</summary>
internal readonly record struct LuksHeader
{
    /// <summary>The size of the structure, the key slots included.</summary>
    public const int Size = 592;

    /// <summary>How many key slots there are.</summary>
    public const int SlotCount = 8;

    /// <summary>The header's part of the volume, in sectors: key material begins behind it.</summary>
    public const int HeaderSectors = 4096 / SectorCipher.SectorBytes;

    /// <summary>The only version there is here.</summary>
    public const ushort SupportedVersion = 1;

    /// <summary>The length of the master key's digest, whatever the hash.</summary>
    public const int DigestBytes = 20;

    private const int VersionOffset = 6;
    private const int CipherNameOffset = 8;
    private const int CipherModeOffset = 40;
    private const int HashOffset = 72;
    private const int PayloadOffset = 104;
    private const int KeyBytesOffset = 108;
    private const int DigestOffset = 112;
    private const int DigestSaltOffset = 132;
    private const int DigestIterationsOffset = 164;
    private const int UuidOffset = 168;
    private const int SlotsOffset = 208;
    private const int TextBytes = 32;
    private const int UuidBytes = 40;

    /// <summary>What every header begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [(byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xBA, 0xBE];

    /// <summary>The version of the format. Offset 6.</summary>
    public required ushort Version { get; init; }

    /// <summary>The cipher, such as <c>aes</c>: 31 bytes at most. Offset 8.</summary>
    public required string CipherName { get; init; }

    /// <summary>Its mode and how it gets its initial vectors, such as <c>xts-plain64</c>: 31 bytes at most. Offset 40.</summary>
    public required string CipherMode { get; init; }

    /// <summary>The hash that keys are derived and spread with, such as <c>sha256</c>: 31 bytes at most. Offset 72.</summary>
    public required string HashName { get; init; }

    /// <summary>Where the encrypted data begin, in sectors of 512 bytes; 0 where they lie elsewhere. Offset 104.</summary>
    public required uint PayloadOffsetSectors { get; init; }

    /// <summary>The length of the master key, in bytes. Offset 108.</summary>
    public required uint MasterKeyBytes { get; init; }

    /// <summary>By which a master key is known for the right one: 20 bytes derived from it. Offset 112.</summary>
    public required byte[] MasterKeyDigest { get; init; }

    /// <summary>What it is derived with: 32 bytes. Offset 132.</summary>
    public required byte[] MasterKeySalt { get; init; }

    /// <summary>And how often it is hashed for that; 1 at least. Offset 164.</summary>
    public required uint MasterKeyIterationCount { get; init; }

    /// <summary>What tells the volume from others: 39 bytes at most. Offset 168.</summary>
    public required string Uuid { get; init; }

    /// <summary>The key slots. Offset 208.</summary>
    public required LuksKeySlot[] Slots { get; init; }

    /// <summary>How many sectors the key material of one slot takes, for a master key of <paramref name="keyBytes"/>.</summary>
    public static long KeyMaterialSectors(long keyBytes) => ((keyBytes * LuksKeySlot.Stripes) + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes;

    /// <summary>True where <paramref name="source"/> begins as a header does.</summary>
    public static bool IsRecognized(ReadOnlySpan<byte> source) => source.StartsWith(Magic);

    /// <summary>Reads one; false with the reason in <paramref name="failure"/> where it is none. What the fields mean is looked at by <see cref="Check"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> source, out LuksHeader header, out BlockException? failure)
    {
        header = default;
        failure = null;
        if (!IsRecognized(source) || source.Length < Size)
        {
            failure = new BlockException(BlockErrorKind.CorruptImage, "Volume is not in LUKS format");
            return false;
        }

        ushort version = BinaryPrimitives.ReadUInt16BigEndian(source[VersionOffset..]);
        if (version != SupportedVersion)
        {
            failure = new BlockException(BlockErrorKind.NotSupported, $"LUKS version {version} is not supported");
            return false;
        }

        if (!TryReadText(source, CipherNameOffset, TextBytes, "cipher name", out string cipherName, ref failure)
            || !TryReadText(source, CipherModeOffset, TextBytes, "cipher mode", out string cipherMode, ref failure)
            || !TryReadText(source, HashOffset, TextBytes, "hash spec", out string hashName, ref failure)
            || !TryReadText(source, UuidOffset, UuidBytes, "uuid", out string uuid, ref failure))
        {
            return false;
        }

        LuksKeySlot[] slots = new LuksKeySlot[SlotCount];
        for (int i = 0; i < SlotCount; i++)
        {
            Invariant.Check(LuksKeySlot.TryParse(source.Slice(SlotsOffset + (i * LuksKeySlot.Size), LuksKeySlot.Size), out slots[i]));
        }

        header = new LuksHeader
        {
            Version = version,
            CipherName = cipherName,
            CipherMode = cipherMode,
            HashName = hashName,
            PayloadOffsetSectors = BinaryPrimitives.ReadUInt32BigEndian(source[PayloadOffset..]),
            MasterKeyBytes = BinaryPrimitives.ReadUInt32BigEndian(source[KeyBytesOffset..]),
            MasterKeyDigest = source.Slice(DigestOffset, DigestBytes).ToArray(),
            MasterKeySalt = source.Slice(DigestSaltOffset, LuksKeySlot.SaltBytes).ToArray(),
            MasterKeyIterationCount = BinaryPrimitives.ReadUInt32BigEndian(source[DigestIterationsOffset..]),
            Uuid = uuid,
            Slots = slots,
        };
        return true;
    }

    /// <summary>Writes it to the first <see cref="Size"/> bytes of <paramref name="destination"/>.</summary>
    public void WriteTo(Span<byte> destination)
    {
        destination[..Size].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[VersionOffset..], Version);
        Encoding.UTF8.GetBytes(CipherName, destination.Slice(CipherNameOffset, TextBytes - 1));
        Encoding.UTF8.GetBytes(CipherMode, destination.Slice(CipherModeOffset, TextBytes - 1));
        Encoding.UTF8.GetBytes(HashName, destination.Slice(HashOffset, TextBytes - 1));
        BinaryPrimitives.WriteUInt32BigEndian(destination[PayloadOffset..], PayloadOffsetSectors);
        BinaryPrimitives.WriteUInt32BigEndian(destination[KeyBytesOffset..], MasterKeyBytes);
        MasterKeyDigest.CopyTo(destination[DigestOffset..]);
        MasterKeySalt.CopyTo(destination[DigestSaltOffset..]);
        BinaryPrimitives.WriteUInt32BigEndian(destination[DigestIterationsOffset..], MasterKeyIterationCount);
        Encoding.UTF8.GetBytes(Uuid, destination.Slice(UuidOffset, UuidBytes - 1));
        for (int i = 0; i < SlotCount; i++)
        {
            Slots[i].WriteTo(destination[(SlotsOffset + (i * LuksKeySlot.Size))..]);
        }
    }

    /// <summary>Refuses numbers that contradict one another. Nothing of their size has been allocated before.</summary>
    /// <param name="isDetached">The encrypted data lie elsewhere: where they begin there is free.</param>
    /// <exception cref="BlockException">They do; the message names the field.</exception>
    public void Check(bool isDetached)
    {
        if (MasterKeyIterationCount == 0)
        {
            throw Damaged("LUKS key iteration count is zero");
        }

        if (!isDetached && PayloadOffsetSectors < (Size + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes)
        {
            throw Damaged("LUKS payload is overlapping with the header");
        }

        long slotSectors = KeyMaterialSectors(MasterKeyBytes);
        long headerSectors = (Size + SectorCipher.SectorBytes - 1) / SectorCipher.SectorBytes;
        for (int i = 0; i < SlotCount; i++)
        {
            Slots[i].Check(i, headerSectors, slotSectors, isDetached ? null : PayloadOffsetSectors);
            for (int earlier = 0; earlier < i; earlier++)
            {
                if (Math.Abs((long)Slots[i].KeyOffsetSectors - Slots[earlier].KeyOffsetSectors) < slotSectors)
                {
                    throw Damaged($"Keyslots {earlier} and {i} are overlapping in the header");
                }
            }
        }
    }

    // Names of images and ciphers are looked at and shown, so they are ASCII.
    private static bool TryReadText(ReadOnlySpan<byte> source, int offset, int lengthBytes, string field, out string text, ref BlockException? failure)
    {
        ReadOnlySpan<byte> bytes = source.Slice(offset, lengthBytes);
        int end = bytes.IndexOf((byte)0);
        text = string.Empty;
        if (end < 0)
        {
            failure = Damaged($"LUKS header {field} is not NUL terminated");
            return false;
        }

        if (bytes[..end].ContainsAnyExceptInRange((byte)' ', (byte)'~'))
        {
            failure = Damaged($"LUKS header {field} has a byte that is no character: {Convert.ToHexString(bytes[..end])}");
            return false;
        }

        text = Encoding.ASCII.GetString(bytes[..end]);
        return true;
    }

    private static BlockException Damaged(string message) => new(BlockErrorKind.CorruptImage, message);
}
