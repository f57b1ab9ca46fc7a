using System.Diagnostics.CodeAnalysis;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>The nineteen limit keys: the single source of their names, defaults and help lines. <i>QEMU: THROTTLE_OPTS.</i></summary>
public static class ThrottleKeys
{
    /// <summary>How many there are.</summary>
    public const int Count = 19;

    /// <summary>How many meters there are.</summary>
    public const int MeterCount = 6;

    private static readonly ThrottleKey[] s_all = MakeAll();
    private static readonly Dictionary<string, ThrottleKey> s_byName = s_all.ToDictionary(key => key.Name, StringComparer.Ordinal);

    /// <summary>All of them: six rates, six bursts, six burst lengths, each in the order of <see cref="ThrottleMeter"/>, and <c>iops-size</c>.</summary>
    public static IReadOnlyList<ThrottleKey> All => s_all;

    /// <summary>The key called <paramref name="name"/>; names are matched exactly.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out ThrottleKey? key) => s_byName.TryGetValue(name, out key);

    /// <summary>The key that sets <paramref name="part"/> of <paramref name="meter"/>; not for <c>iops-size</c>.</summary>
    public static ThrottleKey Of(ThrottleMeter meter, ThrottleKeyPart part) => s_all[((int)part * MeterCount) + (int)meter];

    private static ThrottleKey[] MakeAll()
    {
        (string Stem, string Noun, string Of)[] meters =
        [
            ("bps-total", "bytes", string.Empty),
            ("bps-read", "bytes", " of reads"),
            ("bps-write", "bytes", " of writes"),
            ("iops-total", "operations", string.Empty),
            ("iops-read", "operations", " of reads"),
            ("iops-write", "operations", " of writes"),
        ];
        List<ThrottleKey> keys = [];
        AddPart(ThrottleKeyPart.Rate, string.Empty, 0, (noun, of) => $"{noun} per second{of} in the long run; 0 for no limit");
        AddPart(ThrottleKeyPart.Burst, "-max", 0, (noun, of) => $"{noun} per second{of} in a burst; 0 for no burst");
        AddPart(ThrottleKeyPart.BurstLength, "-max-length", 1, (noun, of) => $"seconds that a burst of {noun}{of} may last");
        keys.Add(new ThrottleKey(keys.Count, "iops-size", null, ThrottleKeyPart.IopsSize, 0, "bytes that count as one operation where a request is larger; 0 to count every request once"));
        return [.. keys];

        void AddPart(ThrottleKeyPart part, string suffix, long defaultValue, Func<string, string, string> help)
        {
            for (int meter = 0; meter < meters.Length; meter++)
            {
                keys.Add(new ThrottleKey(keys.Count, meters[meter].Stem + suffix, (ThrottleMeter)meter, part, defaultValue, help(meters[meter].Noun, meters[meter].Of)));
            }
        }
    }
}
