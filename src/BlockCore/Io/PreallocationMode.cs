using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Io;

/// <summary>What becomes of the space that an image grows by. <i>QEMU: PreallocMode.</i></summary>
public enum PreallocationMode
{
    /// <summary>Nothing is allocated before it is written.</summary>
    Off,

    /// <summary>The format's tables lead to space for all of it; the storage below need not have allocated that.</summary>
    Metadata,

    /// <summary>The storage has allocated all of it, without writing it.</summary>
    Falloc,

    /// <summary>The storage has been written, with zeros, to the last byte.</summary>
    Full,
}

/// <summary>The names of <see cref="PreallocationMode"/>.</summary>
public static class PreallocationModes
{
    private static readonly string[] s_names = ["off", "metadata", "falloc", "full"];

    /// <summary>The names, in the order of the values.</summary>
    public static IReadOnlyList<string> Names => s_names;

    /// <summary>What users call <paramref name="mode"/>.</summary>
    public static string ToName(this PreallocationMode mode) => s_names[(int)mode];

    /// <summary>The mode that users call <paramref name="name"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public static PreallocationMode Parse(string name)
    {
        int index = Array.IndexOf(s_names, name);
        return index >= 0 ? (PreallocationMode)index : throw new BlockException($"invalid parameter value: {name}");
    }

    /// <summary>What a driver says that cannot allocate in the way of <paramref name="mode"/>.</summary>
    public static BlockException ToRefusal(this PreallocationMode mode) => new(BlockErrorKind.NotSupported, $"Unsupported preallocation mode: {mode.ToName()}");
}
