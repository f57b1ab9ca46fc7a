using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Methods of a body continue inside what they wait for, wherever that is.</summary>
[TestFixture]
public sealed class JobTaskTests : JobTests
{
    [Test]
    public void A_method_and_its_callers_go_on_where_it_has_gone() => Fixture.Run(async () =>
    {
        AioContext other = Fixture.World.CreateContext("other");
        List<string> seen = [];
        await OuterAsync();
        Assert.That(seen, Is.EqualTo(new[] { "inner main", "inner other", "middle other 7", "outer other" }), "each of them");

        async JobTask OuterAsync()
        {
            int value = await MiddleAsync();
            Note($"outer {AioContext.Current!.Name}", value);
            await Fixture.Context.SwitchTo();
        }

        async JobTask<int> MiddleAsync()
        {
            await InnerAsync();
            Note($"middle {AioContext.Current!.Name} 7", 7);
            return 7;
        }

        async JobTask InnerAsync()
        {
            Note($"inner {AioContext.Current!.Name}", 0);
            await Fixture.Context.YieldAsync();
            await other.SwitchTo();
            Note($"inner {AioContext.Current!.Name}", 0);
        }

        void Note(string what, int value)
        {
            Assert.That(value, Is.EqualTo(0).Or.EqualTo(7), "the result came through");
            seen.Add(what);
        }
    });

    [Test]
    public void What_a_method_throws_its_caller_gets([Values] bool isLate, [Values] bool hasResult) => Fixture.Run(async () =>
    {
        InvalidOperationException error = new("thrown");
        Assert.That(await Failure.OfAsync<InvalidOperationException>(async () => await CallAsync()), Is.SameAs(error), "the very exception");

        async JobTask CallAsync()
        {
            if (hasResult)
            {
                await ThrowValueAsync();
            }
            else
            {
                await ThrowAsync();
            }
        }

        async JobTask ThrowAsync()
        {
            if (isLate)
            {
                await Fixture.Context.YieldAsync();
            }

            throw error;
        }

        async JobTask<int> ThrowValueAsync()
        {
            await ThrowAsync();
            return 1;
        }
    });

    [Test]
    public void A_method_that_never_waits_is_complete_at_once() => Fixture.Run(async () =>
    {
        int value = 0;
        JobTask<int> task = ThreeAsync();
        Assert.That(task.GetAwaiter().IsCompleted, Is.True, "complete");
        value += await task;
        await default(JobTask);
        Assert.That(value, Is.EqualTo(3), "its result");

        static async JobTask<int> ThreeAsync()
        {
            await default(JobTask);
            return 3;
        }
    });
}
