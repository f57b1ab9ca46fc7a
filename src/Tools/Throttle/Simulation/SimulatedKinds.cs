using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>What the kinds of requests are called in files.</summary>
internal static class SimulatedKinds
{
    private static readonly (string Name, RequestKind Kind)[] s_names =
    [
        ("read", RequestKind.Read),
        ("write", RequestKind.Write),
        ("write-zeroes", RequestKind.WriteZeroes),
        ("discard", RequestKind.Discard),
        ("flush", RequestKind.Flush),
    ];

    /// <summary>The names, with commas between them, for an error.</summary>
    public static string Names { get; } = string.Join(", ", s_names.Select(item => item.Name));

    /// <summary>The name of <paramref name="kind"/>.</summary>
    public static string NameOf(RequestKind kind) => s_names[(int)kind].Name;

    /// <summary>The kind called <paramref name="name"/>.</summary>
    public static bool TryFind(string name, out RequestKind kind)
    {
        int index = Array.FindIndex(s_names, item => item.Name == name);
        kind = index < 0 ? default : s_names[index].Kind;
        return index >= 0;
    }

    /// <summary>Why a request of <paramref name="kind"/> cannot be <paramref name="lengthBytes"/> long; null where it can.</summary>
    public static string? FindLengthError(RequestKind kind, long lengthBytes)
    {
        long most = kind is RequestKind.Read or RequestKind.Write ? BlockLimits.RequestBytesMax : SimulatedStorage.RequestBytesMax;
        return lengthBytes < 0 ? $"{lengthBytes} is negative"
            : lengthBytes > most ? $"{lengthBytes} is more than one request takes ({most})"
            : null;
    }
}
