using BlockGraph.Architecture.Tests.Dependencies;
using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.PublicSurface;

/// <summary>Holds each library's public surface against its checked-in text: a change of the surface is a visible line of a commit.</summary>
[TestFixture]
internal sealed class PublicSurfaceTests
{
    private const string UpdateVariable = "BLOCKGRAPH_UPDATE_SNAPSHOTS";

    private const string Sample = """
        namespace Sample;

        public enum Colour { Red, Green = 4 }

        public abstract class Shape : System.IDisposable
        {
            public const int SideCount = 3;
            protected Shape(string? name = null) { }
            public int Area { get; protected set; }
            public required string Title { get; init; }
            public abstract System.Threading.Tasks.ValueTask<string?> ReadAsync(in long offset, out int got, Colour colour = Colour.Green);
            internal void Hidden() { }
            private protected void Inner() { }
            public void Dispose() { }
            public override string ToString() => "shape";
            public sealed class Corner<T> { public T[]? Items; }
            private sealed class Secret { }
        }

        public delegate void Paint(Colour colour);

        internal class Unseen { public int Value; }
        """;

    [TestCaseSource(typeof(ProductAssemblies), nameof(ProductAssemblies.Libraries))]
    public void The_public_surface_is_the_one_checked_in(string library)
    {
        string relative = $"tests/Architecture.Tests/PublicSurface/{library}.txt";
        string path = RepositoryTree.FullPath(relative);
        string actual = SurfaceText.Of(ProductAssemblies.Load(library));
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            Assert.That(Environment.GetEnvironmentVariable("CI"), Is.Null.Or.Empty, $"{UpdateVariable} has no place in CI.");
            File.WriteAllText(path, actual);
        }

        string expected = File.Exists(path) ? File.ReadAllText(path) : string.Empty;
        IReadOnlyList<string> diff = SurfaceDiff.Between(expected, actual);
        string howTo = $"{relative} differs from the library. If the change is meant, refresh it and commit the result:\n"
            + $"  {UpdateVariable}=1 dotnet test tests/Architecture.Tests -c Release\n  {string.Join("\n  ", diff)}\n";
        Assert.That(diff, Is.Empty, howTo);
        Assert.That(File.Exists(path), Is.True, $"{relative} is missing. {howTo}");
    }

    [Test]
    public void Every_surface_file_belongs_to_a_library()
    {
        string[] known = [.. ProductAssemblies.Libraries.Select(library => $"{library}.txt")];
        string[] present = [.. Directory.GetFiles(RepositoryTree.FullPath("tests/Architecture.Tests/PublicSurface"), "*.txt").Select(Path.GetFileName)!];
        Assert.That(present, Is.EquivalentTo(known), "One file a library, and none left over.");
    }

    [Test]
    public void The_text_shows_what_others_can_see()
    {
        string[] expected =
        [
            "# The public surface of Sample.",
            "",
            "enum Sample.Colour : int",
            "    Red = 0",
            "    Green = 4",
            "",
            "delegate Sample.Paint",
            "    virtual void Invoke(Colour colour)",
            "",
            "abstract class Sample.Shape : IDisposable",
            "    abstract ValueTask<string?> ReadAsync(in long offset, out int got, Colour colour = Green)",
            "    const int SideCount = 3",
            "    int Area { get; protected set; }",
            "    protected Shape(string? name = null)",
            "    required string Title { get; init; }",
            "    void Dispose()",
            "",
            "sealed class Sample.Shape.Corner<T>",
            "    Corner()",
            "    T[]? Items",
            "",
        ];
        Assert.That(SurfaceText.Of(SyntheticAssembly.Load("Sample", Sample)).Split('\n'), Is.EqualTo(expected), "Visible members, and no others.");
    }

    [Test]
    public void A_changed_member_shows_as_one_line_gone_and_one_new()
    {
        const string Before = "# x\n\nclass A\n    int Size { get; }\n    void Run()\n";
        const string After = "# x\n\nclass A\n    long Size { get; }\n    void Run()\n";
        string[] expected = ["- class A { int Size { get; } }", "+ class A { long Size { get; } }"];
        Assert.That(SurfaceDiff.Between(Before, After), Is.EqualTo(expected), "Only the change is shown, under its type.");
    }
}
