using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit.Drawing;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <content>The driver as a part of a graph that changes: opening, closing, drains, contexts, reopening, cancellation.</content>
public abstract partial class DriverConformance
{
    /// <summary>Opening fails at each of its steps in turn: nothing is left, and the next open succeeds.</summary>
    [Test]
    public void Opening_that_fails_at_any_step_leaves_nothing()
    {
        int stepCount = 0;
        for (int failing = 0; failing == 0 || failing <= stepCount; failing++)
        {
            Run(new ConformanceSetting(1), async world =>
            {
                List<string> steps = [];
                world.Fixture.StepHook = name =>
                {
                    steps.Add(name);
                    if (steps.Count == failing)
                    {
                        throw new BlockException($"on purpose at {name}");
                    }
                };
                bool isOpen = await Failure.IsDoneAsync(() => world.OpenAsync());
                world.Fixture.StepHook = null;
                Requirement.Check(isOpen == (failing == 0), $"opening {(isOpen ? "succeeded" : "failed")}, though step {failing} ({steps[^1]}) {(isOpen ? "failed" : "did not")}");
                await world.CloseAsync();
                world.RequireNothingLeft($"after failing at step {failing} ({steps[^1]})");
                stepCount = failing == 0 ? steps.Count : stepCount;
                await world.OpenAsync();
                await world.CloseAsync();
            });
        }
    }

    /// <summary>A drain waits for every request that is under way, and lets none come to the storage until it ends.</summary>
    [Test]
    public void A_drain_waits_for_requests_and_holds_new_ones([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Task[] work = StartWork(world, requestCount: 10);
        for (int i = 0; i < 6; i++)
        {
            await world.PauseAsync();
            await using (await DrainScope.BeginAsync(world.Subject, world.Chance.OneIn(2) ? DrainReach.Node : DrainReach.Subtree))
            {
                Requirement.Check(world.Backend.InFlightCount == 0, "requests are in flight in a drained tree");
                int before = world.Disk.CallCount;
                await world.PauseAsync(500_000);
                Requirement.Check(world.Disk.CallCount == before, "the storage was called during a drain");
            }
        }

        await Task.WhenAll(work);
        Requirement.Check(world.Graph.Nodes.All(n => n.QuiesceCount == 0), "a drain is left");
        await world.RequireContentsAsync("after drains");
    });

    /// <summary>The node moves from context to context while requests come from several: each is carried out, and continues where it was made.</summary>
    [Test]
    public void Requests_follow_their_node_to_another_context([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        Task[] work = StartWork(world, requestCount: 10);
        AioContext elsewhere = world.Fixture.ContextOf("elsewhere");
        for (int i = 0; i < 6; i++)
        {
            await world.PauseAsync();
            await world.Backend.MoveAsync(i % 2 == 0 ? elsewhere : world.Home);
            Requirement.Check(ReferenceEquals(world.Subject.Context, i % 2 == 0 ? elsewhere : world.Home), "the node is at home elsewhere");
        }

        await Task.WhenAll(work);
        await world.RequireContentsAsync("after moves");
    });

    /// <summary>A reopen under load changes what it was asked to, and no more; one that fails at any step changes nothing.</summary>
    [Test]
    public void A_reopen_changes_its_options_only([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        GraphPicture before = world.Fixture.Picture();
        if (!world.Subject.Driver.SupportsReopen)
        {
            BlockException refusal = await Failure.OfAsync(() => ReopenAsync(world, "read-only=off"));
            Requirement.Check(refusal.Kind == BlockErrorKind.NotSupported, $"the refusal is {refusal.Kind}");
            Requirement.Same(world.Fixture.Picture().DifferenceFrom(before), "a refused reopen");
            return;
        }

        Task[] work = StartWork(world, requestCount: 10);
        foreach (string changes in (string[])["", .. OtherOptions.SelectMany(text => new[] { text, Defaults(world, text) })])
        {
            await world.PauseAsync();
            await ReopenAsync(world, changes);
        }

        await Task.WhenAll(work);
        await world.RequireContentsAsync("after reopening");
        await FailReopenAsync(world);
        await world.RequireContentsAsync("after reopens that failed");
    });

    /// <summary>Closing is possible at once, while requests are under way, while drained, elsewhere, read-only; it waits for what is under way.</summary>
    [Test]
    public void Closing_is_possible_in_every_state([Range(1, SeedCount)] int seed)
    {
        RunOne(seed, _ => Task.CompletedTask);
        Run(new ConformanceSetting(seed), async world =>
        {
            await world.OpenAsync();
            Task[] flying = [.. Enumerable.Range(0, 8).Select(i => world.Backend.WriteAsync(i * 8192, new byte[5000]).AsTask())];
            await world.CloseAsync();
            Requirement.Check(Array.TrueForAll(flying, t => t.IsCompletedSuccessfully), "the backend was closed before its requests were over");
        });
        Run(new ConformanceSetting(seed), async world =>
        {
            await world.OpenAsync();
            DrainScope drain = await DrainScope.BeginAllAsync(world.Graph);
            await world.CloseAsync();
            await drain.DisposeAsync();
        });
        RunOne(seed, world => world.Backend.MoveAsync(world.Fixture.ContextOf("elsewhere")));
        if (!OpensReadOnly)
        {
            return;
        }

        Run(new ConformanceSetting(seed), async world =>
        {
            await world.OpenAsync(more: "read-only=on");
            await world.RequireContentsAsync("read-only");
            Requirement.Check((await Failure.OfRequestAsync(() => world.Backend.WriteAsync(0, new byte[512]))).Kind == BlockErrorKind.NotPermitted, "a read-only image was written");
            await world.CloseAsync();
        });
    }

    /// <summary>A request that is cancelled ends: it has been carried out, or it has had no effect and says that it was cancelled.</summary>
    [Test]
    public void A_cancelled_request_has_no_effect([Range(1, SeedCount)] int seed) => RunEach(seed, async world =>
    {
        for (int i = 0; i < 30; i++)
        {
            int offset = world.Chance.Next(world.Model.Length - 1);
            int size = 1 + world.Chance.Next(Math.Min(12_000, world.Model.Length - offset));
            using CancellationTokenSource source = new();
            int write = world.Model.Begin(offset, size, isZero: false);
            byte[] bytes = world.Model.BytesOf(write, offset, size);
            Task beside = new Workload(world, 0, 0).FlushAsync();
            Task request = world.Backend.WriteAsync(offset, bytes, cancel: source.Token).AsTask();
            await world.PauseAsync(world.Setting.LatencyNsMax + 1);
            source.Cancel();
            bool isDone = await IsCarriedOutAsync(request);
            await beside;
            if (isDone)
            {
                world.Model.Complete(write, offset, size);
            }

            await world.RequireContentsAsync($"after a write {offset}+{size} that {(isDone ? "succeeded" : "was cancelled")}");
        }
    });

    private protected static Task ReopenAsync(ConformanceWorld world, string changes) =>
        world.Graph.ApplyAsync(GraphEdit.Reopen(world.Subject, changes.Length == 0 ? [] : GraphFixture.Options(changes)));

    // Three at once, one of them on another context, on a third of the image each.
    private static Task[] StartWork(ConformanceWorld world, int requestCount)
    {
        AioContext other = world.Fixture.ContextOf("other");
        int part = (world.Model.Length / 3) | 1;
        return
        [
            new Workload(world, 0, part).RunAsync(requestCount, pauses: true),
            new Workload(world, part, part).RunAsync(requestCount, pauses: true),
            other.RunAsync(async () =>
            {
                Workload foreign = new(world, 2 * part, world.Model.Length - (2 * part));
                for (int i = 0; i < requestCount; i++)
                {
                    await foreign.StepAsync();
                    Requirement.Check(other.IsHome, "a request does not continue where it was made");
                    await world.PauseAsync();
                }
            }),
        ];
    }

    // The same options as they are when nobody gives them.
    private static string Defaults(ConformanceWorld world, string options) =>
        string.Join(',', GraphFixture.Options(options).Keys
            .Select(key => world.Subject.Driver.Options.Definitions.First(d => d.Name == key))
            .Where(definition => definition.Default is not null)
            .Select(definition => $"{definition.Name}={definition.Default}"));

    private static async Task FailReopenAsync(ConformanceWorld world)
    {
        GraphPicture before = world.Fixture.Picture();
        bool isOver = false;
        for (int failing = 1; !isOver; failing++)
        {
            int left = failing;
            world.Fixture.StepHook = name =>
            {
                if (--left == 0)
                {
                    throw new BlockException($"on purpose at {name}");
                }
            };
            isOver = await Failure.IsDoneAsync(() => ReopenAsync(world, ""));
            world.Fixture.StepHook = null;
            Requirement.Same(world.Fixture.Picture().DifferenceFrom(before), $"a reopen that failed at step {failing}");
            Requirement.Check(isOver == left > 0, $"the reopen {(isOver ? "succeeded" : "failed")}, though step {failing} {(isOver ? "failed" : "did not")}");
        }
    }

    private static async Task<bool> IsCarriedOutAsync(Task request)
    {
        try
        {
            await request;
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
