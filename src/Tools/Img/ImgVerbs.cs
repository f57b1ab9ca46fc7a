using BlockGraph.Tools.Img.Verbs;

namespace BlockGraph.Tools.Img;

/// <summary>Every image command.</summary>
internal static class ImgVerbs
{
    private static readonly Func<ImgName, ImgVerb>[] s_makers =
    [
        name => new AmendVerb { Caller = name },
        name => new BenchVerb { Caller = name },
        name => new BitmapVerb { Caller = name },
        name => new CheckVerb { Caller = name },
        name => new CommitVerb { Caller = name },
        name => new CompareVerb { Caller = name },
        name => new ConvertVerb { Caller = name },
        name => new CreateVerb { Caller = name },
        name => new DdVerb { Caller = name },
        name => new InfoVerb { Caller = name },
        name => new MapVerb { Caller = name },
        name => new MeasureVerb { Caller = name },
        name => new RebaseVerb { Caller = name },
        name => new ResizeVerb { Caller = name },
        name => new SnapshotVerb { Caller = name },
    ];

    /// <summary>One of each, in alphabetical order, as if called by the program's own name.</summary>
    public static IEnumerable<ImgVerb> CreateAll() => CreateAll(ImgName.Own);

    /// <summary>A new command called <paramref name="name"/>, for a program called by <paramref name="caller"/>, or null.</summary>
    public static ImgVerb? Create(string name, ImgName caller) => CreateAll(caller).FirstOrDefault(verb => verb.Name == name);

    /// <summary>One of each, for a program called by <paramref name="caller"/>.</summary>
    public static IEnumerable<ImgVerb> CreateAll(ImgName caller) => s_makers.Select(make => make(caller));
}
