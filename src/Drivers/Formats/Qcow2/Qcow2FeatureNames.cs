using System.Text;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The names of features, as an image carries them for those who do not know the feature (specification: Feature name table).</summary>
internal static class Qcow2FeatureNames
{
    private const int EntryBytes = 48;
    private const int NameBytes = EntryBytes - 2;

    private static readonly (byte Type, byte Bit, string Name)[] s_known =
    [
        (0, 0, "dirty bit"), (0, 1, "corrupt bit"), (0, 2, "external data file"), (0, 3, "compression type"), (0, 4, "extended L2 entries"),
        (1, 0, "lazy refcounts"), (2, 0, "bitmaps"), (2, 1, "raw external data"),
    ];

    /// <summary>The table that this driver writes.</summary>
    public static Qcow2HeaderExtension Create()
    {
        byte[] data = new byte[s_known.Length * EntryBytes];
        for (int i = 0; i < s_known.Length; i++)
        {
            Span<byte> entry = data.AsSpan(i * EntryBytes, EntryBytes);
            entry[0] = s_known[i].Type;
            entry[1] = s_known[i].Bit;
            Encoding.ASCII.GetBytes(s_known[i].Name, entry[2..]);
        }

        return new Qcow2HeaderExtension(Qcow2HeaderExtension.FeatureNames, data);
    }

    /// <summary>What a person may call the unknown incompatible features <paramref name="unknown"/>, by an image's own table where it names them.</summary>
    public static string Describe(ulong unknown, ReadOnlySpan<byte> table)
    {
        List<string> names = [];
        for (; table.Length >= EntryBytes; table = table[EntryBytes..])
        {
            if (table[0] == 0 && table[1] < 64 && (unknown & (1UL << table[1])) != 0)
            {
                unknown &= ~(1UL << table[1]);
                names.Add(Encoding.UTF8.GetString(table.Slice(2, NameBytes)).TrimEnd('\0'));
            }
        }

        if (unknown != 0)
        {
            names.Add($"Unknown incompatible feature: {unknown:x}");
        }

        return string.Join(", ", names);
    }
}
