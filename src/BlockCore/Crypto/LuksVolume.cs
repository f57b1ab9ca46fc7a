using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// A LUKS1 volume: a header with up to eight key slots, each of which holds the volume's one master key behind a passphrase. Where the encrypted data
/// are and how they are read is its owner's business. Main context. <i>QEMU: QCryptoBlock with format luks.</i>
/// </summary>
/// <remarks>
/// Invariants:
/// <list type="number">
/// <item>The header in memory is the one that is durable, as far as is known.</item>
/// <item>Key material is durable before a header says that its slot is active, and is overwritten only after a durable header says that it is not. A slot that
/// is written over by force is the exception: the old passphrase is gone before the new one opens.</item>
/// <item>What is derived costs a bounded time: a slot that wants more iterations than <see cref="IterationCountMax"/> is not tried.</item>
/// </list>
/// </remarks>
public sealed partial class LuksVolume
{
    private const int AlignmentSectors = LuksHeader.HeaderSectors;

    private readonly ILuksArea _area;
    private readonly AioContext _context;
    private readonly LuksCipher _cipher;
    private readonly KeyHash _hash;
    private LuksHeader _header;

    private LuksVolume(ILuksArea area, AioContext context, LuksHeader header, LuksCipher cipher, KeyHash hash)
    {
        _area = area;
        _context = context;
        _header = header;
        _cipher = cipher;
        _hash = hash;
    }

    /// <summary>A slot with more iterations than this is not tried, and none is made: that many take some ten seconds.</summary>
    public static long IterationCountMax => DerivationRun.IterationCountMax;

    /// <summary>The cipher's algorithms with the length of their keys, by the names that options take.</summary>
    public static IReadOnlyList<string> CipherAlgorithms => LuksCipher.Algorithms;

    /// <summary>The cipher's modes, by the names that options take.</summary>
    public static IReadOnlyList<string> CipherModes => LuksCipher.Modes;

    /// <summary>The sources of initial vectors, by the names that options take.</summary>
    public static IReadOnlyList<string> IvAlgorithms => LuksCipher.IvAlgorithms;

    /// <summary>The hashes, by the names that options take.</summary>
    public static IReadOnlyList<string> HashAlgorithms { get; } = [.. KeyHash.All.Select(hash => hash.Name)];

    /// <summary>Where the encrypted data begin, in bytes: from the header's first byte, or in their own file where they lie elsewhere.</summary>
    public long PayloadOffset => (long)_header.PayloadOffsetSectors * SectorCipher.SectorBytes;

    /// <summary>What anybody may know of it.</summary>
    public LuksInformation Information => new()
    {
        CipherAlgorithm = _cipher.AlgorithmName,
        CipherMode = _cipher.Mode,
        IvAlgorithm = _cipher.IvAlgorithm,
        IvHash = _cipher.IvHash,
        HashAlgorithm = _hash.Name,
        PayloadOffset = PayloadOffset,
        MasterKeyIterationCount = _header.MasterKeyIterationCount,
        Uuid = _header.Uuid,
        Slots = [.. _header.Slots.Select(slot => new LuksSlotInformation(slot.IsActive, slot.IterationCount, slot.StripeCount, slot.KeyOffset))],
    };

    /// <summary>True where an image that begins with <paramref name="head"/> is such a volume, of whatever version.</summary>
    public static bool IsRecognized(ReadOnlySpan<byte> head) => LuksHeader.IsRecognized(head);

    /// <summary>The space that a new volume takes for its header and key material, in bytes: so far from its beginning are the data.</summary>
    /// <exception cref="BlockException">The options name what there is not.</exception>
    public static long MeasureHeader(LuksFormatOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FindHash(options.HashAlgorithm);
        return (LuksHeader.HeaderSectors + (LuksHeader.SlotCount * SlotSectors(LuksCipher.FromOptions(options)))) * SectorCipher.SectorBytes;
    }

    /// <summary>Reads the header of a volume that is there.</summary>
    /// <param name="area">Where it lies; the volume keeps it.</param>
    /// <param name="context">Whose workers derive keys.</param>
    /// <param name="isDetached">The encrypted data lie elsewhere.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="BlockException">It is none, or one that cannot be used here; the message names the field.</exception>
    public static async Task<LuksVolume> OpenAsync(ILuksArea area, AioContext context, bool isDetached, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(area);
        ArgumentNullException.ThrowIfNull(context);
        byte[] head = new byte[LuksHeader.Size];
        int length = (int)Math.Min(area.LengthBytes, head.Length);
        await area.ReadAsync(0, head.AsMemory(0, length), cancel);
        if (length < head.Length && LuksHeader.IsRecognized(head))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"LUKS header needs {LuksHeader.Size} bytes, there are only {length}");
        }

        if (!LuksHeader.TryParse(head, out LuksHeader header, out BlockException? failure))
        {
            throw failure!;
        }

        header.Check(isDetached);
        LuksCipher cipher = LuksCipher.FromHeader(header);
        return new LuksVolume(area, context, header, cipher, FindHash(header.HashName));
    }

    /// <summary>Lays out a new volume whose first key slot <paramref name="passphrase"/> opens.</summary>
    /// <param name="context">Whose workers derive keys.</param>
    /// <param name="options">How.</param>
    /// <param name="passphrase">What opens it; stays the caller's.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <returns>What is to stand at the volume's beginning. What follows up to <see cref="MeasureHeader"/> may be anything.</returns>
    /// <exception cref="BlockException">The options name what there is not.</exception>
    public static async Task<ReadOnlyMemory<byte>> FormatAsync(AioContext context, LuksFormatOptions options, KeyMaterial passphrase, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(passphrase);
        LuksCipher cipher = LuksCipher.FromOptions(options);
        KeyHash hash = FindHash(options.HashAlgorithm);
        long iterationCount = await DerivationRun.CountForAsync(context, hash, cipher.KeyBytes, options.IterTimeMs, cancel);
        using KeyMaterial masterKey = KeyMaterial.CreateRandom(cipher.KeyBytes);
        using KeyMaterial digest = new(LuksHeader.DigestBytes);
        byte[] salt = RandomNumberGenerator.GetBytes(LuksKeySlot.SaltBytes);

        // Nobody can guess a random key: its digest needs fewer iterations than a passphrase.
        long digestIterationCount = Math.Max(iterationCount / LuksHeader.SlotCount, DerivationRun.IterationCountMin);
        await DerivationRun.DeriveAsync(context, hash, masterKey, salt, digestIterationCount, digest, cancel);
        LuksHeader header = CreateHeader(cipher, hash, options) with
        {
            MasterKeyDigest = digest.Span.ToArray(),
            MasterKeySalt = salt,
            MasterKeyIterationCount = (uint)digestIterationCount,
        };
        NewLuksArea area = new((LuksHeader.HeaderSectors + LuksHeader.KeyMaterialSectors(cipher.KeyBytes)) * SectorCipher.SectorBytes);
        await new LuksVolume(area, context, header, cipher, hash).WriteSlotAsync(0, masterKey, passphrase, iterationCount, cancel);
        return area.Bytes;
    }

    /// <summary>The cipher of the data, where <paramref name="passphrase"/> opens one of the key slots.</summary>
    /// <exception cref="BlockException">It opens none.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was set.</exception>
    public async Task<SectorCipher> UnlockAsync(KeyMaterial passphrase, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(passphrase);
        using KeyMaterial masterKey = await OpenMasterKeyAsync(passphrase, cancel);
        return _cipher.CreateCipher(masterKey.Span);
    }

    private static LuksHeader CreateHeader(LuksCipher cipher, KeyHash hash, LuksFormatOptions options)
    {
        uint slotSectors = (uint)SlotSectors(cipher);
        LuksKeySlot[] slots = new LuksKeySlot[LuksHeader.SlotCount];
        for (uint i = 0; i < slots.Length; i++)
        {
            slots[i] = new LuksKeySlot(LuksKeySlot.Inactive, 0, new byte[LuksKeySlot.SaltBytes], LuksHeader.HeaderSectors + (i * slotSectors), LuksKeySlot.Stripes);
        }

        return new LuksHeader
        {
            Version = LuksHeader.SupportedVersion,
            CipherName = LuksCipher.HeaderName,
            CipherMode = cipher.HeaderMode,
            HashName = hash.Name,
            PayloadOffsetSectors = options.IsDetached ? 0 : (uint)(MeasureHeader(options) / SectorCipher.SectorBytes),
            MasterKeyBytes = (uint)cipher.KeyBytes,
            MasterKeyDigest = [],
            MasterKeySalt = [],
            MasterKeyIterationCount = 0,
            Uuid = CreateUuid(),
            Slots = slots,
        };
    }

    private static long SlotSectors(LuksCipher cipher) =>
        (LuksHeader.KeyMaterialSectors(cipher.KeyBytes) + AlignmentSectors - 1) / AlignmentSectors * AlignmentSectors;

    // Version 4 of RFC 9562: all random but six bits.
    private static string CreateUuid()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    private static KeyHash FindHash(string name) =>
        KeyHash.Find(name) ?? throw new BlockException(BlockErrorKind.NotSupported, $"Hash algorithm '{name}' not supported");
}
