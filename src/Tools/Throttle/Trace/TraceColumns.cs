using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Where the columns of a trace are, by its header.</summary>
/// <param name="Time">The column of the instants.</param>
/// <param name="TimeScaleNs">How many nanoseconds its unit is.</param>
/// <param name="Kind">The column of the kinds.</param>
/// <param name="Size">The column of the lengths.</param>
/// <param name="Member">The column of the members; null where all requests are one member's.</param>
internal sealed record TraceColumns(int Time, decimal TimeScaleNs, int Kind, int Size, int? Member)
{
    private static readonly (string Name, decimal ScaleNs)[] s_times = [("t_ns", 1), ("t_us", 1_000), ("t_ms", 1_000_000), ("t_s", 1_000_000_000), ("time", 1_000_000_000)];
    private static readonly string[] s_kinds = ["kind", "op", "rw"];
    private static readonly string[] s_sizes = ["bytes", "size"];
    private static readonly string[] s_members = ["member", "device"];

    private static readonly (string[] Names, RequestKind Kind)[] s_kindNames =
    [
        (["read", "r", "rd"], RequestKind.Read),
        (["write", "w", "wr"], RequestKind.Write),
        (["write-zeroes", "zero", "z"], RequestKind.WriteZeroes),
        (["discard", "trim", "d"], RequestKind.Discard),
        (["flush", "sync", "f"], RequestKind.Flush),
    ];

    /// <summary>Reads the names in the first line.</summary>
    /// <exception cref="BlockException">A column that there must be is missing, or there twice.</exception>
    public static TraceColumns Of(IReadOnlyList<string> header)
    {
        string[] names = [.. header.Select(name => name.ToLowerInvariant())];
        int time = Find(names, "time", [.. s_times.Select(item => item.Name)])!.Value;
        return new TraceColumns(
            time,
            s_times.First(item => item.Name == names[time]).ScaleNs,
            Find(names, "kind", s_kinds)!.Value,
            Find(names, "size", s_sizes)!.Value,
            Find(names, null, s_members));
    }

    /// <summary>The kind that a trace calls <paramref name="text"/>, in capitals or not.</summary>
    public static bool TryFindKind(string text, out RequestKind kind)
    {
        string lower = text.ToLowerInvariant();
        int index = Array.FindIndex(s_kindNames, item => item.Names.Contains(lower));
        kind = index < 0 ? default : s_kindNames[index].Kind;
        return index >= 0;
    }

    private static int? Find(string[] header, string? needed, string[] names)
    {
        int[] found = [.. header.Index().Where(item => names.Contains(item.Item)).Select(item => item.Index)];
        return found.Length switch
        {
            1 => found[0],
            0 when needed is null => null,
            0 => throw new BlockException($"the header names no column for the {needed}: one of {string.Join(", ", names)}"),
            _ => throw new BlockException($"the header names the columns '{header[found[0]]}' and '{header[found[1]]}' for the same"),
        };
    }
}
