using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>Many share it, or one has it alone.</summary>
[TestFixture]
public sealed class CoRwLockTests
{
    private readonly List<string> _log = [];
    private Simulation _world = null!;
    private CoRwLock _lock = null!;

    [SetUp]
    public void SetUp()
    {
        _log.Clear();
        _world = new Simulation(new SimulationOptions { HasExactTime = true });
        _lock = new CoRwLock();
    }

    [TearDown]
    public void TearDown() => _world.Dispose();

    [Test]
    public void Sharers_are_there_together_and_nobody_else_with_one_who_is_alone() => _world.Run(async () =>
    {
        Task[] all = [HoldAsync("a", false, 10), HoldAsync("b", false, 20), HoldAsync("C", true, 10), HoldAsync("d", false, 5)];
        await Task.WhenAll(all);
        Assert.That(_log, Is.EqualTo(new[] { "+a", "+b", "-a", "-b", "+C", "-C", "+d", "-d" }), "who comes after one that wants it alone waits for him");
    });

    [Test]
    public void Those_who_want_it_alone_have_it_one_after_the_other() => _world.Run(async () =>
    {
        await Task.WhenAll(HoldAsync("A", true, 10), HoldAsync("B", true, 10), HoldAsync("C", true, 10));
        Assert.That(_log, Is.EqualTo(new[] { "+A", "-A", "+B", "-B", "+C", "-C" }), "in their order");
    });

    [Test]
    public void It_is_free_at_once_for_who_comes_to_a_free_one() => _world.Run(async () =>
    {
        Task[] sharers = [_lock.EnterSharedAsync().AsTask(), _lock.EnterSharedAsync().AsTask()];
        Assert.That(sharers.Select(t => t.IsCompletedSuccessfully), Is.All.True, "by many");
        Task alone = _lock.EnterAloneAsync().AsTask();
        Assert.That(alone.IsCompleted, Is.False, "not alone");
        _lock.ExitShared();
        _lock.ExitShared();
        await alone;
        _lock.ExitAlone();
        Task again = _lock.EnterAloneAsync().AsTask();
        Assert.That(again.IsCompletedSuccessfully, Is.True, "alone");
        _lock.ExitAlone();
    });

    [Test]
    public void Contexts_take_turns_in_any_order([Range(1, 20)] int seed)
    {
        using Simulation world = new(new SimulationOptions { Seed = seed });
        AioContext[] contexts = [world.MainContext, world.CreateContext("a"), world.CreateContext("b")];
        CoRwLock both = new();
        int sharers = 0;
        int alone = 0;
        world.Run(async () =>
        {
            async Task WorkAsync(int number)
            {
                for (int i = 0; i < 30; i++)
                {
                    bool isAlone = (i + number) % 4 == 0;
                    await (isAlone ? both.EnterAloneAsync() : both.EnterSharedAsync());
                    alone += isAlone ? 1 : 0;
                    sharers += isAlone ? 0 : 1;
                    Assert.That(alone == 0 || (alone == 1 && sharers == 0), Is.True, $"seed {seed}: {sharers} share it, {alone} are alone");
                    await AioContext.Current!.DelayAsync((i * 7 % 5) + 1);
                    alone -= isAlone ? 1 : 0;
                    sharers -= isAlone ? 0 : 1;
                    if (isAlone)
                    {
                        both.ExitAlone();
                    }
                    else
                    {
                        both.ExitShared();
                    }
                }
            }

            await Task.WhenAll(contexts.Select((context, i) => context.RunAsync(() => WorkAsync(i))));
        });
    }

    private async Task HoldAsync(string name, bool isAlone, long ns)
    {
        await (isAlone ? _lock.EnterAloneAsync() : _lock.EnterSharedAsync());
        _log.Add("+" + name);
        await _world.MainContext.DelayAsync(ns);
        _log.Add("-" + name);
        if (isAlone)
        {
            _lock.ExitAlone();
        }
        else
        {
            _lock.ExitShared();
        }
    }
}
