using BlockGraph.Tools.Img.Verbs;

namespace BlockGraph.Tools.Img;

/// <summary>Every image command.</summary>
internal static class ImgVerbs
{
    private static readonly Func<ImgVerb>[] s_makers =
    [
        () => new AmendVerb(),
        () => new BenchVerb(),
        () => new BitmapVerb(),
        () => new CheckVerb(),
        () => new CommitVerb(),
        () => new CompareVerb(),
        () => new ConvertVerb(),
        () => new CreateVerb(),
        () => new DdVerb(),
        () => new InfoVerb(),
        () => new MapVerb(),
        () => new MeasureVerb(),
        () => new RebaseVerb(),
        () => new ResizeVerb(),
        () => new SnapshotVerb(),
    ];

    /// <summary>One of each, in alphabetical order.</summary>
    public static IEnumerable<ImgVerb> CreateAll() => s_makers.Select(make => make());

    /// <summary>A new command called <paramref name="name"/>, or null.</summary>
    public static ImgVerb? Create(string name) => CreateAll().FirstOrDefault(verb => verb.Name == name);
}
