using BlockGraph.BlockCore.Backend;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>A graph in a world of exact time for each test, and what tests of refusals share.</summary>
public abstract class GraphTests
{
    protected GraphFixture Fixture { get; private set; } = null!;

    [SetUp]
    public void SetUpFixture() => Fixture = CreateFixture();

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    protected virtual GraphFixture CreateFixture() => new();

    /// <summary>Opening <paramref name="options"/> fails with exactly <paramref name="message"/>, and leaves nothing.</summary>
    protected void AssertRefused(string options, string message) => Fixture.Run(async () =>
    {
        string[] before = [.. Fixture.Graph.Nodes.Select(n => n.Name)];
        Assert.That((await Failure.OfAsync(() => Fixture.OpenAsync(options))).Message, Is.EqualTo(message), options);
        Assert.That(Fixture.Graph.Nodes.Select(n => n.Name), Is.EqualTo(before), "no node is left");
        Assert.That(Fixture.Graph.Backends, Is.Empty, "no backend is left");
    });
}
