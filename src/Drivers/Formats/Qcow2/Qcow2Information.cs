using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What only this format has to tell of an image.</summary>
internal static class Qcow2Information
{
    /// <summary>The names of the versions, as <c>compat</c> takes them.</summary>
    public static string CompatOf(int version) => version < 3 ? "0.10" : "1.1";

    /// <summary>As <c>info</c> shows it.</summary>
    public static OptionsDictionary Describe(Qcow2HeaderArea area, BitmapDirectory bitmaps, LuksInformation? volume, bool isStopped)
    {
        Qcow2Header header = area.Header;
        OptionsDictionary data = new()
        {
            ["compat"] = CompatOf(header.Version),
            ["compression-type"] = header.Compression == Qcow2Compression.Zstd ? "zstd" : "zlib",
        };
        if (header.Version >= 3)
        {
            data["lazy-refcounts"] = (header.Compatible & Qcow2CompatibleFeatures.LazyRefcounts) != 0;
            data["corrupt"] = isStopped || (header.Incompatible & Qcow2IncompatibleFeatures.Corrupt) != 0;
            data["extended-l2"] = (header.Incompatible & Qcow2IncompatibleFeatures.ExtendedL2) != 0;
            if (bitmaps.Entries.Count > 0)
            {
                data["bitmaps"] = ListOf(bitmaps.Entries.Select(static entry => Describe(entry)));
            }

            if (area.DataFileName is not null)
            {
                data["data-file"] = area.DataFileName;
            }

            if ((header.Incompatible & Qcow2IncompatibleFeatures.DataFile) != 0)
            {
                data["data-file-raw"] = (header.Autoclear & Qcow2AutoclearFeatures.RawDataFile) != 0;
            }
        }

        if (header.Encryption != Qcow2Encryption.None)
        {
            OptionsDictionary encryption = volume is null ? [] : LuksDescription.Of(volume);
            encryption["format"] = volume is null ? "aes" : "luks";
            data["encrypt"] = encryption;
        }

        data["refcount-bits"] = 1L << header.RefcountOrder;
        return new OptionsDictionary { ["type"] = "qcow2", ["data"] = data };
    }

    private static OptionsDictionary Describe(BitmapDirectoryEntry entry)
    {
        List<OptionValue> flags = [];
        if ((entry.Flags & BitmapDirectoryEntry.InUse) != 0)
        {
            flags.Add("in-use");
        }

        if ((entry.Flags & BitmapDirectoryEntry.Auto) != 0)
        {
            flags.Add("auto");
        }

        return new OptionsDictionary { ["name"] = entry.Name, ["granularity"] = 1L << entry.GranularityBits, ["flags"] = ListOf(flags) };
    }

    private static OptionsList ListOf(IEnumerable<OptionValue> items)
    {
        OptionsList list = [];
        foreach (OptionValue item in items)
        {
            list.Add(item);
        }

        return list;
    }
}
