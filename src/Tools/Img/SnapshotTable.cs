using System.Globalization;
using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Tools.Img;

/// <summary>The table of an image's snapshots.</summary>
internal static class SnapshotTable
{
    private const long NsPerMillisecond = 1_000_000;

    /// <summary>Prints it; nothing for no snapshots.</summary>
    public static void Print(TextWriter output, IReadOnlyList<ImageSnapshot> snapshots)
    {
        if (snapshots.Count == 0)
        {
            return;
        }

        output.WriteLine("Snapshot list:");
        output.WriteLine($"{"ID",-10}{"TAG",-17}{"VM SIZE",8}{"DATE",20}{"VM CLOCK",13}{"ICOUNT",11}");
        foreach (ImageSnapshot snapshot in snapshots)
        {
            string date = snapshot.Date.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            output.WriteLine(
                $"{snapshot.Id,-9} {snapshot.Name,-16} {SizeWords.Of(snapshot.VmStateBytes),8}{date,20}{Clock(snapshot.VmClockNs),13}{snapshot.InstructionCount?.ToString(CultureInfo.InvariantCulture) ?? "",11}");
        }
    }

    private static string Clock(long ns)
    {
        long ms = ns / NsPerMillisecond;
        return string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000:00}:{ms / 60_000 % 60:00}:{ms / 1000 % 60:00}.{ms % 1000:000}");
    }
}
