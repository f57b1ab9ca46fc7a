using System.Buffers.Binary;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>
/// What contradicts itself in the bytes of an image, found by a reader of its own that shares nothing with the driver: references that are not counted, counts
/// without references, marks of the active tables that are not as the counts say.
/// </summary>
internal sealed partial class ImageAudit
{
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong DataFileFeature = 4;
    private const uint EncryptionHeader = 0x0537be77;

    private readonly byte[] _image;
    private readonly Dictionary<long, ulong> _uses = [];
    private readonly int _clusterBits;
    private readonly int _refcountOrder;
    private readonly bool _isExtended;
    private readonly bool _hasDataFile;

    private ImageAudit(byte[] image)
    {
        _image = image;
        _clusterBits = (int)U32(20);
        bool isLong = U32(4) >= 3;
        _refcountOrder = isLong ? (int)U32(96) : 4;
        _isExtended = isLong && (U64(72) & 16) != 0;
        _hasDataFile = U32(4) >= 3 && (U64(72) & DataFileFeature) != 0;
    }

    /// <summary>What is wrong so that data may be lost.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Clusters that are counted more often than they are used.</summary>
    public List<string> Leaks { get; } = [];

    /// <summary>Looks through an image.</summary>
    public static ImageAudit Of(byte[] image)
    {
        ImageAudit audit = new(image);
        audit.Run();
        return audit;
    }

    private long ClusterBytes => 1L << _clusterBits;

    private void Run()
    {
        long topOffset = (long)U64(40);
        int topCount = (int)U32(36);
        Use(0, ClusterBytes);
        Use((long)U64(48), U32(56) * ClusterBytes);
        for (int i = 0; i < U32(56) * ClusterBytes / 8; i++)
        {
            long block = (long)U64((long)U64(48) + (i * 8L));
            if (block != 0)
            {
                Use(block, ClusterBytes);
            }
        }

        UseTop(topOffset, topCount);
        UseSnapshots();
        UseBitmaps();
        UseEncryptionHeader();
        for (long cluster = 0; cluster < Math.Max(_image.Length >> _clusterBits, _uses.Keys.Max() + 1); cluster++)
        {
            (ulong uses, ulong count) = (_uses.GetValueOrDefault(cluster), Count(cluster));
            (count < uses ? Errors : count > uses ? Leaks : []).Add($"cluster {cluster} is used {uses} times and counted {count} times");
        }

        CheckMarks(topOffset, topCount);
    }

    private void UseTop(long offset, int count)
    {
        Use(offset, count * 8L);
        for (int i = 0; i < count; i++)
        {
            long table = (long)(U64(offset + (i * 8L)) & OffsetMask);
            if (table == 0)
            {
                continue;
            }

            Use(table, ClusterBytes);
            foreach ((int index, ulong entry) in Entries(table))
            {
                if (_hasDataFile)
                {
                    CheckDataFilePlace(entry, ((i * EntryCount) + index) << _clusterBits);
                    continue;
                }

                UseEntry(entry);
            }
        }
    }

    private void UseEntry(ulong entry)
    {
        if ((entry & (1UL << 62)) == 0)
        {
            if ((entry & OffsetMask) != 0)
            {
                Use((long)(entry & OffsetMask), ClusterBytes);
            }

            return;
        }

        int offsetBits = 62 - (_clusterBits - 8);
        long offset = (long)(entry & ((1UL << Math.Min(offsetBits, 56)) - 1));
        long sectors = (long)((entry & ((1UL << 62) - 1)) >> offsetBits) + 1;
        Use(offset, (sectors * 512) - (offset & 511));
    }

    // Each cluster of a data file lies where the guest has it, and is always the image's own.
    private void CheckDataFilePlace(ulong entry, long guestOffset)
    {
        if ((entry & OffsetMask) != 0 && ((long)(entry & OffsetMask) != guestOffset || entry >> 63 == 0))
        {
            Errors.Add($"the entry of 0x{guestOffset:x} is 0x{entry:x}");
        }
    }

    private void UseSnapshots()
    {
        long start = (long)U64(64);
        long at = start;
        for (int i = 0; i < U32(60); i++)
        {
            at = (at + 7) & ~7L;
            UseTop((long)U64(at), (int)U32(at + 8));
            at += 40 + U32(at + 36) + (U32(at + 12) >> 16) + (U32(at + 12) & 0xffff);
        }

        if (at > start)
        {
            Use(start, at - start);
        }
    }

    private void UseEncryptionHeader()
    {
        long at = U32(4) >= 3 ? U32(100) : 72;
        for (; U32(at) != 0; at += 8 + ((U32(at + 4) + 7) & ~7L))
        {
            if (U32(at) == EncryptionHeader)
            {
                Use((long)U64(at + 8), (long)U64(at + 16));
            }
        }
    }

    private void CheckMarks(long offset, int count)
    {
        for (int i = 0; i < count; i++)
        {
            ulong top = U64(offset + (i * 8L));
            long table = (long)(top & OffsetMask);
            CheckMark($"L1 entry {i}", top, isCompressed: false);
            if (table == 0)
            {
                continue;
            }

            foreach ((int index, ulong entry) in Entries(table))
            {
                if (_hasDataFile)
                {
                    break;
                }

                CheckMark($"L2 entry {i}.{index}", entry, (entry & (1UL << 62)) != 0);
            }
        }
    }

    private void CheckMark(string name, ulong entry, bool isCompressed)
    {
        bool isOwn = !isCompressed && (entry & OffsetMask) != 0 && Count((long)(entry & OffsetMask) >> _clusterBits) == 1;
        if (isOwn != (entry >> 63 != 0))
        {
            Errors.Add($"{name} is 0x{entry:x}, its cluster {(isOwn ? "is" : "is not")} its own");
        }
    }

    private int EntryBytes => _isExtended ? 16 : 8;

    private long EntryCount => ClusterBytes / EntryBytes;

    private IEnumerable<(int Index, ulong Entry)> Entries(long table)
    {
        int entryBytes = EntryBytes;
        for (int i = 0; i < EntryCount; i++)
        {
            yield return (i, U64(table + (i * (long)entryBytes)));
        }
    }

    private void Use(long offset, long length)
    {
        for (long cluster = offset >> _clusterBits; cluster << _clusterBits < offset + length; cluster++)
        {
            _uses[cluster] = _uses.GetValueOrDefault(cluster) + 1;
        }
    }

    private ulong Count(long cluster)
    {
        int bits = 1 << _refcountOrder;
        long perBlock = ClusterBytes * 8 / bits;
        long table = (long)U64(48);
        long block = cluster / perBlock < U32(56) * ClusterBytes / 8 ? (long)U64(table + (cluster / perBlock * 8)) : 0;
        if (block == 0)
        {
            return 0;
        }

        long bit = cluster % perBlock * bits;
        if (bits < 8)
        {
            return (ulong)(Byte(block + (bit / 8)) >> (int)(bit % 8)) & ((1UL << bits) - 1);
        }

        ulong count = 0;
        for (int i = 0; i < bits / 8; i++)
        {
            count = (count << 8) | Byte(block + (bit / 8) + i);
        }

        return count;
    }

    // Behind the end of the file are zeros.
    private byte Byte(long offset) => offset < _image.Length ? _image[offset] : (byte)0;

    private uint U32(long offset) => (uint)(U64(offset) >> 32);

    private ulong U64(long offset)
    {
        Span<byte> bytes = stackalloc byte[8];
        for (int i = 0; i < 8; i++)
        {
            bytes[i] = Byte(offset + i);
        }

        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
