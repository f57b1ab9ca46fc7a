using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Drawing;

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

    /// <summary>What <paramref name="operation"/> fails with is exactly <paramref name="message"/>, and the graph looks as before.</summary>
    protected async Task<BlockException> AssertRefusedAsync(Func<Task> operation, string message)
    {
        GraphPicture before = Fixture.Picture();
        BlockException error = await Failure.OfAsync(operation);
        Assert.That(error.Message, Is.EqualTo(message), "the refusal");
        Assert.That(Fixture.Picture().DifferenceFrom(before), Is.Empty, "the graph is as before");
        return error;
    }
}
