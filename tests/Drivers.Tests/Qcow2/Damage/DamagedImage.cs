using System.Buffers.Binary;

namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>The bytes of an image, to be spoilt field by field. All numbers are big-endian.</summary>
internal sealed class DamagedImage(byte[] bytes)
{
    public const uint BackingFormat = 0xe2792aca;
    public const uint FeatureNames = 0x6803f857;
    public const uint Bitmaps = 0x23852875;
    public const uint Encryption = 0x0537be77;
    public const uint DataFile = 0x44415441;

    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;

    public byte[] Bytes { get; private set; } = bytes;

    public int ClusterBytes => 1 << (int)Get(20, 4);

    /// <summary>Where the active L1 table lies.</summary>
    public long L1 => (long)Get(40, 8);

    /// <summary>Where the refcount table lies.</summary>
    public long Table => (long)Get(48, 8);

    /// <summary>Where its first block lies.</summary>
    public long Block => (long)(Get(Table, 8) & ~511UL);

    /// <summary>Where the first L2 table lies.</summary>
    public long L2 => (long)(Get(L1, 8) & OffsetMask);

    /// <summary>Where the first cluster of data lies.</summary>
    public long Data => (long)(Get(L2, 8) & OffsetMask);

    /// <summary>Where the first compressed stream lies.</summary>
    public long Stream => (long)(Get(L2, 8) & ((1UL << 54) - 1));

    /// <summary>Where the directory of bitmaps lies.</summary>
    public long Directory => (long)Get(Extension(Bitmaps) + 8 + 16, 8);

    public ulong Get(long offset, int count)
    {
        Span<byte> number = stackalloc byte[8];
        Bytes.AsSpan((int)offset, count).CopyTo(number[(8 - count)..]);
        return BinaryPrimitives.ReadUInt64BigEndian(number);
    }

    public void Put(long offset, int count, ulong value)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, value);
        Write(offset, number[(8 - count)..]);
    }

    public void Change(long offset, Func<ulong, ulong> change) => Put(offset, 8, change(Get(offset, 8)));

    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length > Bytes.Length)
        {
            SetLength((int)offset + data.Length);
        }

        data.CopyTo(Bytes.AsSpan((int)offset));
    }

    public void SetLength(int length)
    {
        byte[] changed = new byte[length];
        Bytes.AsSpan(0, Math.Min(length, Bytes.Length)).CopyTo(changed);
        Bytes = changed;
    }

    /// <summary>Where the header extension of a type begins.</summary>
    public long Extension(uint magic) => Extensions().First(extension => extension.Type == magic).Offset;

    /// <summary>Where an entry of the snapshot table begins.</summary>
    public long Snapshot(int index = 0)
    {
        long at = (long)Get(64, 8);
        for (int i = 0; i < index; i++)
        {
            at += (long)((40 + Get(at + 36, 4) + Get(at + 12, 2) + Get(at + 14, 2) + 7) & ~7UL);
        }

        return at;
    }

    /// <summary>Puts an extension before all others; there is room behind them.</summary>
    public void Insert(uint magic, ReadOnlySpan<byte> data)
    {
        long start = (long)Get(100, 4);
        long end = Extensions().Last().Offset + 8;
        byte[] rest = Bytes[(int)start..(int)end];
        byte[] padded = new byte[(data.Length + 7) & ~7];
        data.CopyTo(padded);
        Put(start, 4, magic);
        Put(start + 4, 4, (ulong)data.Length);
        Write(start + 8, padded);
        Write(start + 8 + padded.Length, rest);
    }

    private IEnumerable<(uint Type, long Offset)> Extensions()
    {
        for (long at = Get(4, 4) >= 3 ? (long)Get(100, 4) : 72; ; at += 8 + (long)((Get(at + 4, 4) + 7) & ~7UL))
        {
            yield return ((uint)Get(at, 4), at);
            if (Get(at, 4) == 0)
            {
                yield break;
            }
        }
    }
}
