using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// Takes out of an output what depends on where a program has put things in the image's file, how large the file has become by that, and what it has drawn or measured for a key. What
/// is allocated, zero, data and compressed stays: neighbours that differ by their place alone are one range, and a hole that the file has where data would be is data.
/// </summary>
internal static partial class PlacementFilter
{
    private const long ClusterBytes = 65536;

    /// <summary><paramref name="text"/> without that.</summary>
    public static string Without(string text)
    {
        string placeless = FragmentsPattern().Replace(EndPattern().Replace(SizePattern().Replace(text, ""), "$1N"), "");
        placeless = LastCommaPattern().Replace(placeless, "$1");
        string keyless = UuidPattern().Replace(WorkPattern().Replace(placeless, "$1N"), "UUID");
        return JsonRangesPattern().Replace(RangesPattern().Replace(keyless, JoinRanges), JoinJsonRanges);
    }

    // A person is shown what is data, without the holes that the file has in it: they may begin anywhere in a cluster.
    private static string JoinRanges(Match table)
    {
        List<(long Start, long End, string Kind)> ranges = [];
        foreach (Match range in RangePattern().Matches(table.Value))
        {
            long start = Number(range.Groups["start"].Value);
            long end = start + Number(range.Groups["length"].Value);
            Join(ranges, start / ClusterBytes * ClusterBytes, (end + ClusterBytes - 1) / ClusterBytes * ClusterBytes, range.Groups["file"].Value);
        }

        return Text("Offset End File\n", ranges);
    }

    private static string JoinJsonRanges(Match list)
    {
        List<(long Start, long End, string Kind)> ranges = [];
        foreach (Match range in JsonRangePattern().Matches(list.Value))
        {
            long start = Number(range.Groups["start"].Value);
            Join(ranges, start, start + Number(range.Groups["length"].Value), range.Groups["rest"].Value.Replace("\"zero\": true, \"data\": true", "\"zero\": false, \"data\": true", StringComparison.Ordinal));
        }

        return Text("[", ranges) + "]\n";
    }

    private static void Join(List<(long Start, long End, string Kind)> ranges, long start, long end, string kind)
    {
        if (ranges is [.., var last] && last.End >= start && last.Kind == kind)
        {
            ranges[^1] = (last.Start, end, kind);
        }
        else
        {
            ranges.Add((start, end, kind));
        }
    }

    private static string Text(string head, List<(long Start, long End, string Kind)> ranges)
    {
        StringBuilder text = new(head);
        foreach ((long start, long end, string kind) in ranges)
        {
            text.Append(CultureInfo.InvariantCulture, $"{start}-{end} {kind}\n");
        }

        return text.ToString();
    }

    private static long Number(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) ? long.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture) : long.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("^disk size: [^\\n]*\\n|^ *\"actual-size\": [0-9]+, *\\n", RegexOptions.Multiline)]
    private static partial Regex SizePattern();

    [GeneratedRegex("^(Image end offset: | *\"image-end-offset\": )[0-9]+", RegexOptions.Multiline)]
    private static partial Regex EndPattern();

    [GeneratedRegex("[0-9.]+% fragmented, |^ *\"fragmented-clusters\": [0-9]+,? *\n", RegexOptions.Multiline)]
    private static partial Regex FragmentsPattern();

    [GeneratedRegex(",( *\n *})")]
    private static partial Regex LastCommaPattern();

    [GeneratedRegex("^Offset +Length +Mapped to +File\n(0(x[0-9a-f]+)? .*\n)*", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex RangesPattern();

    [GeneratedRegex("^(?<start>0(x[0-9a-f]+)?) +(?<length>0(x[0-9a-f]+)?) +[^ ]+ +(?<file>.*)\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex RangePattern();

    [GeneratedRegex(@"\[\{ ""start"".*?\}\]\n", RegexOptions.Singleline)]
    private static partial Regex JsonRangesPattern();

    [GeneratedRegex(@"\{ ""start"": (?<start>[0-9]+), ""length"": (?<length>[0-9]+), (?<rest>[^}]*?(?=, ""offset""|\}))(, ""offset"": [0-9]+)?", RegexOptions.ExplicitCapture)]
    private static partial Regex JsonRangePattern();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex UuidPattern();

    [GeneratedRegex("((?:\"iters\"|\"master-key-iters\"|master key iters|iters): )[0-9]+")]
    private static partial Regex WorkPattern();
}
