using BlockGraph.Tools.Img.Verbs;

namespace BlockGraph.Tools.Img;

/// <summary>Every image command.</summary>
internal static class ImgVerbs
{
    // By name, so that a call makes the one that it needs.
    private static readonly (string Name, Func<ImgName, ImgVerb> Make)[] s_makers =
    [
        ("amend", name => new AmendVerb { Caller = name }),
        ("bench", name => new BenchVerb { Caller = name }),
        ("bitmap", name => new BitmapVerb { Caller = name }),
        ("check", name => new CheckVerb { Caller = name }),
        ("commit", name => new CommitVerb { Caller = name }),
        ("compare", name => new CompareVerb { Caller = name }),
        ("convert", name => new ConvertVerb { Caller = name }),
        ("create", name => new CreateVerb { Caller = name }),
        ("dd", name => new DdVerb { Caller = name }),
        ("info", name => new InfoVerb { Caller = name }),
        ("map", name => new MapVerb { Caller = name }),
        ("measure", name => new MeasureVerb { Caller = name }),
        ("rebase", name => new RebaseVerb { Caller = name }),
        ("resize", name => new ResizeVerb { Caller = name }),
        ("snapshot", name => new SnapshotVerb { Caller = name }),
    ];

    /// <summary>One of each, in alphabetical order, as if called by the program's own name.</summary>
    public static IEnumerable<ImgVerb> CreateAll() => CreateAll(ImgName.Own);

    /// <summary>A new command called <paramref name="name"/>, for a program called by <paramref name="caller"/>, or null.</summary>
    public static ImgVerb? Create(string name, ImgName caller) => Array.Find(s_makers, maker => maker.Name == name).Make?.Invoke(caller);

    /// <summary>One of each, for a program called by <paramref name="caller"/>.</summary>
    public static IEnumerable<ImgVerb> CreateAll(ImgName caller) => s_makers.Select(maker => maker.Make(caller));
}
