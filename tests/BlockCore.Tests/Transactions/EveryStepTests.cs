using System.Reflection;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>
/// Every operation on a running graph, failed and cancelled at each of its steps: the graph, its options, permissions, homes, drains and references are
/// as before, what drivers had taken is given back in reverse, requests go on, and the operation succeeds when it is tried again; or the step came after
/// the commit, and the change is whole. <see cref="StepWorld"/> draws the graph.
/// </summary>
[TestFixture]
public sealed class EveryStepTests
{
    private static IEnumerable<string> Names => StepOperations.All.Select(o => o.Name);

    private static IEnumerable<string> CancellableNames => StepOperations.All.Where(o => o.IsCancellable).Select(o => o.Name);

    [TestCaseSource(nameof(Names))]
    public void An_operation_that_fails_at_any_step_leaves_no_trace(string name)
    {
        StepOperation operation = Find(name);
        IReadOnlyList<bool> hasFailed = ForEachStep(operation, async (world, failing) =>
        {
            bool isRaised = false;
            world.Begin(step =>
            {
                if (step == failing)
                {
                    isRaised = true;
                    throw new BlockException($"step {failing} fails");
                }
            });
            bool isRefused = await HasFailedAsync(() => operation.RunAsync(world, CancellationToken.None));
            Assert.That(isRaised, Is.EqualTo(failing >= 0), $"{name}: step {failing} was reached");
            return isRefused;
        });
        Assert.That(hasFailed, operation.IsNeverRefused ? Has.All.False : Has.Some.True, $"{name}: {(operation.IsNeverRefused ? "letting go is never refused" : "there are steps that fail")}");
    }

    [TestCaseSource(nameof(CancellableNames))]
    public void An_operation_that_is_cancelled_at_any_step_leaves_no_trace(string name)
    {
        IReadOnlyList<bool> hasFailed = ForEachStep(Find(name), async (world, failing) =>
        {
            using CancellationTokenSource source = new();
            world.Begin(step =>
            {
                if (step == failing)
                {
                    source.Cancel();
                }
            });
            return await HasFailedAsync(() => Find(name).RunAsync(world, source.Token));
        });
        Assert.That(hasFailed, Has.Some.True, $"{name}: there are steps at which it is not too late");
    }

    [Test]
    public void Every_kind_of_step_is_among_them()
    {
        HashSet<string> kinds = [];
        foreach (StepOperation operation in StepOperations.All)
        {
            using StepWorld world = new();
            world.Run(async () =>
            {
                await world.BuildAsync();
                await operation.Arrange(world);
                world.Begin(_ => { });
                await operation.RunAsync(world, CancellationToken.None);
                kinds.UnionWith(world.Steps.Select(step => step.Split(' ')[0]));
                world.OnStep = null;
            });
        }

        string[] wanted = ["prepare", "drain", "check", "permissions", "commit", "options", "open", "opened", "register", "attach", "probe", "flush", "reopen", "reopened", "deactivate", "activate", "rewrite"];
        Assert.That(wanted.Except(kinds), Is.Empty, "preparing, opening, reopening, permissions, and what comes after the commit");
    }

    [Test]
    public void Every_edit_that_can_be_made_is_failed_at_each_step()
    {
        IEnumerable<string> factories = typeof(GraphEdit).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => typeof(GraphEdit).IsAssignableFrom(method.ReturnType))
            .Select(Spell)
            .Distinct();
        Assert.That(StepOperations.All.SelectMany(o => o.Covers), Is.EquivalentTo(factories), "a new factory of edits, or a new parameter of one, needs an operation in StepOperations");
    }

    [Test]
    public void A_factory_that_nobody_fails_would_be_found() =>
        Assert.That(Spell(typeof(EveryStepTests).GetMethod(nameof(Forgotten), BindingFlags.NonPublic | BindingFlags.Static)!), Is.EqualTo("Forgotten(node, isForced)"), "by name and parameters");

    private static GraphEdit Forgotten(BlockCore.Graph.BlockNode node, bool isForced) => isForced ? GraphEdit.Deactivate(node) : GraphEdit.Activate(node);

    private static string Spell(MethodInfo method) => $"{method.Name}({string.Join(", ", method.GetParameters().Select(p => p.Name))})";

    private static StepOperation Find(string name) => StepOperations.All.Single(o => o.Name == name);

    // The first round fails nothing, and counts. Returns whether each of the others was refused.
    private static List<bool> ForEachStep(StepOperation operation, Func<StepWorld, int, Task<bool>> tryAsync)
    {
        List<bool> hasFailed = [];
        int stepCount = 0;
        StepPicture? done = null;
        for (int failing = -1; failing < stepCount; failing++)
        {
            using StepWorld world = new();
            string when = $"{operation.Name}: step {failing} of {stepCount}";
            world.Run(async () =>
            {
                await world.BuildAsync();
                await operation.Arrange(world);
                StepPicture before = world.Picture();
                Task load = world.LoadAsync();
                bool isRefused = await tryAsync(world, failing);
                world.OnStep = null;
                Assert.That(world.FindLoose(), Is.Empty, $"{when}: drivers have given back what they took, in reverse");
                if (failing < 0)
                {
                    Assert.That(isRefused, Is.False, $"{operation.Name} succeeds");
                    stepCount = world.Steps.Count;
                    done = world.Picture();
                    Assert.That(done, operation.IsInvisible ? Is.EqualTo(before) : Is.Not.EqualTo(before), $"{operation.Name}: whether it can be seen");
                }
                else
                {
                    hasFailed.Add(isRefused);
                    Assert.That(world.Picture(), Is.EqualTo(isRefused ? before : done), when);
                }

                if (isRefused)
                {
                    await operation.RunAsync(world, CancellationToken.None);
                    Assert.That(world.Picture(), Is.EqualTo(done), $"{when}: it can be tried again");
                }

                await load;
            });
        }

        TestContext.Out.WriteLine($"{operation.Name}: {stepCount} steps, {hasFailed.Count(f => f)} refused");
        Assert.That(stepCount, Is.GreaterThan(0), $"{operation.Name}: there are steps");
        return hasFailed;
    }

    private static async Task<bool> HasFailedAsync(Func<Task> change)
    {
        try
        {
            await change();
            return false;
        }
        catch (Exception error) when (error is BlockException or OperationCanceledException)
        {
            return true;
        }
    }
}
