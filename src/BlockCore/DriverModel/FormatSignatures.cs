using System.Buffers.Binary;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// The signatures of the image formats in use, known whether or not a driver is registered for them: an image of a format
/// without a driver is refused by name, never taken for raw data.
/// </summary>
internal static class FormatSignatures
{
    private static readonly (string Format, Func<ReadOnlySpan<byte>, bool> Matches)[] s_signatures =
    [
        ("qcow2", head => IsQcow(head) && BinaryPrimitives.ReadUInt32BigEndian(head[4..]) >= 2),
        ("qcow", head => IsQcow(head) && BinaryPrimitives.ReadUInt32BigEndian(head[4..]) == 1),
        ("qed", head => head.StartsWith("QED\0"u8)),
        ("vmdk", head => head.StartsWith("KDMV"u8) || head.StartsWith("COWD"u8) || IsVmdkDescriptor(head)),
        ("vdi", head => head.Length >= 0x44 && BinaryPrimitives.ReadUInt32LittleEndian(head[0x40..]) == 0xbeda107f),
        ("vpc", head => head.StartsWith("conectix"u8)),
        ("vhdx", head => head.StartsWith("vhdxfile"u8)),
        ("parallels", head => head.StartsWith("WithoutFreeSpace"u8) || head.StartsWith("WithouFreSpacExt"u8)),
        ("luks", head => head.StartsWith("LUKS\u00ba\u00be"u8[..4]) && head.Length >= 6 && head[4] == 0xba && head[5] == 0xbe),
        ("bochs", head => head.StartsWith("Bochs Virtual HD Image\0"u8)),
        ("cloop", head => head.StartsWith("#!/bin/sh\n#V2.0 Format\nmodprobe cloop"u8)),
    ];

    /// <summary>The format that <paramref name="head"/>, the first bytes of an image, belongs to, or null.</summary>
    public static string? Find(ReadOnlySpan<byte> head)
    {
        foreach ((string format, Func<ReadOnlySpan<byte>, bool> matches) in s_signatures)
        {
            if (matches(head))
            {
                return format;
            }
        }

        return null;
    }

    /// <summary>The format that only a file's name gives away, or null: a disk copy keeps its signature at its end.</summary>
    public static string? FindByName(string? fileName) =>
        fileName is not null && fileName.EndsWith(".dmg", StringComparison.OrdinalIgnoreCase) ? "dmg" : null;

    private static bool IsQcow(ReadOnlySpan<byte> head) => head.Length >= 8 && head.StartsWith("QFI"u8) && head[3] == 0xfb;

    // A descriptor file is text: comment lines and blank lines, then a version of 1 to 3.
    private static bool IsVmdkDescriptor(ReadOnlySpan<byte> head)
    {
        bool hasMark = false;
        foreach (Range range in head.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = head[range].TrimEnd((byte)'\r');
            if (line.StartsWith("#"u8))
            {
                hasMark |= line.StartsWith("# Disk DescriptorFile"u8);
                continue;
            }

            if (line.Trim((byte)' ').IsEmpty)
            {
                continue;
            }

            return hasMark || line.SequenceEqual("version=1"u8) || line.SequenceEqual("version=2"u8) || line.SequenceEqual("version=3"u8);
        }

        return hasMark;
    }
}
