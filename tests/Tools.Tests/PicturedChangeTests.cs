using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.TestKit;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Tests;

/// <summary>The pictures and the table in docs/graph.md are what the graph does, drawn by the program.</summary>
[TestFixture]
internal sealed class PicturedChangeTests
{
    private const string UpdateVariable = "BLOCKGRAPH_UPDATE_SNAPSHOTS";

    private static readonly string s_docs = Path.GetFullPath(Path.Combine(IotestsRun.ScriptFolder, "..", "..", "docs"));

    public static IEnumerable<TestCaseData<PicturedChange>> Changes => PicturedChange.All.Select(change => new TestCaseData<PicturedChange>(change) { TestName = $"{{m}}({change.Name})" });

    [TestCaseSource(nameof(Changes))]
    public void A_drawn_change_is_what_happens(PicturedChange change)
    {
        (GraphPicture before, GraphPicture after) = change.Make();
        string svg = ChangePicture.Draw(change.Title, before, after);
        string path = Path.Combine(s_docs, "pictures", $"{change.Name}.svg");
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            Assert.That(Environment.GetEnvironmentVariable("CI"), Is.Null.Or.Empty, $"{UpdateVariable} has no place in CI.");
            File.WriteAllText(path, svg);
        }

        Assert.That(File.Exists(path) ? File.ReadAllText(path) : "", Is.EqualTo(svg), $"docs/pictures/{change.Name}.svg is stale: {UpdateVariable}=1 dotnet test tests/Tools.Tests -c Release");
        Assert.That(File.ReadAllText(Path.Combine(s_docs, "graph.md")).Contains($"(pictures/{change.Name}.svg)", StringComparison.Ordinal), Is.True, "docs/graph.md shows it");
    }

    [Test]
    public void Every_picture_is_drawn_by_a_test()
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(s_docs, "pictures")).Select(path => Path.GetFileName(path)!)];
        Assert.That(files, Is.EquivalentTo(PicturedChange.All.Select(change => $"{change.Name}.svg")), "one file a change, and none left over");
    }

    [Test]
    public void The_table_of_drains_is_what_drains_count()
    {
        // u1 -> left -> disk <- right <- u2; u3 -> other
        using GraphFixture fixture = new();
        string text = File.ReadAllText(Path.Combine(s_docs, "graph.md"));
        fixture.Run(async () =>
        {
            IReadOnlyList<BlockBackend> users = await fixture.BuildAsync("""
                u1[consistent-read] -> left
                u2[consistent-read] -> right
                u3[consistent-read] -> other
                left: pass-through -> disk
                right: pass-through -> disk
                disk: memory
                other: memory
                """);
            (string Drained, Func<ValueTask<DrainScope>> Begin)[] drains =
            [
                ("`left`", () => DrainScope.BeginAsync(fixture.Graph.LookUp("left"))),
                ("`disk`", () => DrainScope.BeginAsync(fixture.Graph.LookUp("disk"))),
                ("the subtree of `left`", () => DrainScope.BeginAsync(fixture.Graph.LookUp("left"), DrainReach.Subtree)),
                ("`left` and `disk`, two scopes", () => DrainScope.BeginAsync(fixture.Graph.LookUp("left"))),
                ("everything", () => fixture.Graph.DrainAllAsync()),
            ];
            foreach ((string drained, Func<ValueTask<DrainScope>> begin) in drains)
            {
                await using DrainScope scope = await begin();
                await using DrainScope? second = drained.EndsWith("two scopes", StringComparison.Ordinal) ? await DrainScope.BeginAsync(fixture.Graph.LookUp("disk")) : null;
                string Count(string name) => (fixture.Graph.FindNode(name)?.QuiesceCount ?? users.Single(u => u.Name == name).QuiesceCount).ToString(CultureInfo.InvariantCulture);
                string row = $"| {drained} | {string.Join(" | ", new[] { "u1", "left", "u2", "right", "disk", "u3", "other" }.Select(Count))} |";
                Assert.That(text.Contains(row, StringComparison.Ordinal), Is.True, $"docs/graph.md has the row {row}");
            }

            foreach (BlockBackend user in users)
            {
                await user.DisposeAsync();
            }
        });
    }
}
