using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>Several throttle nodes change in one operation, operations overlap, and operations fail half-way.</summary>
[TestFixture]
public sealed class ThrottleTransactionTests
{
    private ThrottleFixture _world = null!;

    [SetUp]
    public void SetUp() => _world = new ThrottleFixture();

    [TearDown]
    public void TearDown() => _world.Dispose();

    [Test]
    public void Two_nodes_move_into_one_group_and_the_last_one_asked_for_wins() => _world.Run(async () =>
    {
        await using BlockBackend a = await _world.OpenAsync("t", "limits.iops-total=1");
        await using BlockBackend b = await _world.OpenAsync("u", "limits.iops-total=2");
        _world.Groups.CreateObject("g", new ThrottleLimitsUpdate());
        await _world.Graph.ApplyAsync(_world.Reopen("t", "throttle-group=g,limits.iops-total=5,limits.iops-size=512"), _world.Reopen("u", "throttle-group=g,limits.iops-total=7"));
        Assert.That(_world.Describe(), Is.EqualTo("g(2): iops-total=7,iops-size=512"), "the later one of two for the same limit, and the other limits of both");
    });

    [Test]
    public void Limits_of_two_nodes_that_contradict_each_other_are_refused_together() => _world.Run(async () =>
    {
        await using BlockBackend a = await _world.OpenAsync("t", "limits.iops-total=1");
        await using BlockBackend b = await _world.OpenAsync("u", "limits.iops-total=2");
        _world.Groups.CreateObject("g", new ThrottleLimitsUpdate());
        string before = _world.Picture();
        string text = await _world.RefusedAsync(_world.Reopen("t", "throttle-group=g,limits.iops-total=5"), _world.Reopen("u", "throttle-group=g,limits.iops-read=7"));
        Assert.That(text, Is.EqualTo("bps/iops/max total values and read/write values cannot be used at the same time"), "though each alone would do");
        Assert.That(_world.Picture(), Is.EqualTo(before), "neither has moved");
    });

    [Test]
    public void Limits_that_only_do_together_are_taken_together() => _world.Run(async () =>
    {
        _world.Groups.CreateObject("g", new ThrottleLimitsUpdate { ["iops-total"] = 10 });
        await using BlockBackend a = await _world.OpenAsync("t", "throttle-group=g");
        await using BlockBackend b = await _world.OpenAsync("u", "throttle-group=g");
        await _world.Graph.ApplyAsync(_world.Reopen("t", "limits.iops-total=0"), _world.Reopen("u", "limits.iops-read=7"));
        Assert.That(_world.Describe(), Is.EqualTo("g(2): iops-read=7"), "the second is weighed with the first");
    });

    [Test]
    public void One_node_moves_into_the_group_that_another_creates() => _world.Run(async () =>
    {
        await using BlockBackend a = await _world.OpenAsync("t", "limits.iops-total=1");
        await using BlockBackend b = await _world.OpenAsync("u", "limits.iops-total=2");
        string before = _world.Picture();
        Assert.That(
            await _world.RefusedAsync(_world.Reopen("u", "throttle-group=new"), _world.Reopen("t", "throttle-group=new,limits.iops-total=5")),
            Is.EqualTo("Throttle group 'new' does not exist"),
            "whoever brings the limits comes first");
        Assert.That(_world.Picture(), Is.EqualTo(before), "nothing has changed");
        await _world.Graph.ApplyAsync(_world.Reopen("t", "throttle-group=new,limits.iops-total=5"), _world.Reopen("u", "throttle-group=new"));
        Assert.That(_world.Describe(), Is.EqualTo("new(2): iops-total=5"), "both are in it, the old ones have died");
    });

    [Test]
    public void Two_nodes_change_places() => _world.Run(async () =>
    {
        await using BlockBackend a = await _world.OpenAsync("t", "throttle-group=g,limits.iops-total=1");
        await using BlockBackend b = await _world.OpenAsync("u", "throttle-group=h,limits.iops-total=2");
        await _world.Graph.ApplyAsync(_world.Reopen("t", "throttle-group=h"), _world.Reopen("u", "throttle-group=g"));
        Assert.That((_world.Member("t").Group.Name, _world.Member("u").Group.Name), Is.EqualTo(("h", "g")), "each is where the other was");
        Assert.That(_world.Describe(), Is.EqualTo("g(1): iops-total=1; h(1): iops-total=2"), "the groups live on, though each was left by its only member");
    });

    // A quorum whose second child joins the group that the first one creates: one opening.
    [Test]
    public void One_node_is_opened_into_the_group_that_another_of_the_same_opening_creates() => _world.Run(async () =>
    {
        await using BlockBackend backend = await _world.World.OpenAsync(
            "driver=quorum,vote-threshold=1,children.0.driver=throttle,children.0.node-name=t,children.0.throttle-group=new,children.0.limits.iops-total=5,children.0.file.driver=memory,children.0.file.filename=a,"
            + "children.1.driver=throttle,children.1.node-name=u,children.1.throttle-group=new,children.1.file.driver=memory,children.1.file.filename=b");
        Assert.That(_world.Describe(), Is.EqualTo("new(2): iops-total=5"), "both");
    });

    // While t is being opened, and its child's opening waits, another operation comes by.
    [Test]
    public void A_group_that_an_operation_is_about_to_create_is_nobody_elses() => _world.Run(async () =>
    {
        List<string> seen = [];
        int reservedAt = -1;
        _world.OnStep = step =>
        {
            if (_world.Steps[step] == "reserve throttle group")
            {
                reservedAt = step;
            }
            else if (step == reservedAt + 1)
            {
                seen.Add(_world.Describe());
                seen.Add($"{_world.Groups.Find("new")?.Name}");
                seen.Add(Assert.Throws<BlockException>(() => _world.Groups.Join("new"))!.Message);
                seen.Add(Assert.Throws<BlockException>(() => _world.Groups.Reserve("new", new ThrottleLimitsUpdate(), operation: this))!.Message);
                throw new BlockException("fails");
            }
        };
        Assert.That((await Failure.OfAsync(() => _world.OpenAsync("t", "throttle-group=new,limits.iops-total=5"))).Message, Is.EqualTo("fails"), "half-way");
        Assert.That(seen, Is.EqualTo(new[] { "", "", "Throttle group 'new' does not exist", "Throttle group 'new' does not exist" }), "what others see meanwhile");
        Assert.That(_world.Describe(), Is.Empty, "nothing is left");
    });

    // backend -> t -> memory, backend -> u -> memory
    [TestCase("keeps own group", "limits.iops-total=5")]
    [TestCase("moves", "throttle-group=g,limits.bps-total=7")]
    [TestCase("creates", "throttle-group=new,limits.iops-total=7")]
    public void A_reopen_that_fails_at_any_step_leaves_no_trace(string what, string changes)
    {
        int stepCount = 0;
        for (int failing = -1; failing < stepCount; failing++)
        {
            using ThrottleFixture world = new();
            world.Run(async () =>
            {
                world.Groups.CreateObject("g", ThrottleFixture.Iops(10));
                await using BlockBackend a = await world.OpenAsync("t", "limits.iops-total=100");
                await using BlockBackend b = await world.OpenAsync("u", "throttle-group=h,limits.iops-total=200");
                string before = world.Picture();
                Task load = LoadAsync(a);
                world.Steps.Clear();
                world.OnStep = step => { if (step == failing) { throw new BlockException($"step {step} fails"); } };
                GraphEdit[] Edits() => [world.Reopen("t", changes), world.Reopen("u", "throttle-group=g")];
                if (failing < 0)
                {
                    await world.Graph.ApplyAsync(Edits());
                    stepCount = world.Steps.Count;
                    Assert.That(world.Steps.Count(s => s == "reserve throttle group"), Is.EqualTo(2), $"{what}: each node plans");
                    Assert.That(world.Picture(), Is.Not.EqualTo(before), $"{what}: it can be seen");
                }
                else
                {
                    string when = $"{what}: step {failing} of {stepCount}";
                    Assert.That(await world.RefusedAsync(Edits()), Is.EqualTo($"step {failing} fails"), when);
                    Assert.That(world.Picture(), Is.EqualTo(before), $"{when}: groups, limits, nodes");
                    world.OnStep = null;
                    Assert.That(() => world.Groups.DeleteObject("g"), Throws.Nothing, $"{when}: no reference is left");
                    world.Groups.CreateObject("g", ThrottleFixture.Iops(10));
                    await world.Graph.ApplyAsync(Edits());
                    Assert.That(world.Groups.Find("g")!.MemberCount, Is.GreaterThan(0), $"{when}: it can be tried again");
                }

                await load;
            });
            Assert.That(world.Graph.Nodes, Is.Empty, "everything is closed");
        }

        Assert.That(stepCount, Is.GreaterThan(8), "there are steps");
    }

    [Test]
    public void An_opening_that_fails_at_any_step_leaves_no_trace()
    {
        int stepCount = 0;
        for (int failing = -1; failing < stepCount; failing++)
        {
            using ThrottleFixture world = new();
            world.Run(async () =>
            {
                world.Groups.CreateObject("g", ThrottleFixture.Iops(10));
                string before = world.Picture();
                world.OnStep = step => { if (step == failing) { throw new BlockException($"step {step} fails"); } };
                Func<Task<BlockBackend>>[] openings =
                [
                    () => world.OpenAsync("t", "throttle-group=g,limits.iops-total=7"), () => world.OpenAsync("t", "throttle-group=new,limits.iops-total=7"), () => world.OpenAsync("t", "limits.iops-total=7"),
                ];
                foreach (Func<Task<BlockBackend>> open in openings)
                {
                    world.Steps.Clear();
                    if (failing < 0)
                    {
                        await using BlockBackend backend = await open();
                        stepCount = world.Steps.Count;
                        world.Groups.Find("g")!.SetConfig(new ThrottleConfig { IopsTotal = new ThrottleLimits(10) });
                    }
                    else
                    {
                        Assert.That((await Failure.OfAsync(open)).Message, Is.EqualTo($"step {failing} fails"), "why");
                    }

                    Assert.That(world.Picture(), Is.EqualTo(before), $"step {failing} of {stepCount}");
                }

                Assert.That(() => world.Groups.DeleteObject("g"), Throws.Nothing, $"step {failing}: no reference is left");
            });
        }

        Assert.That(stepCount, Is.GreaterThan(8), "there are steps");
    }

    private static async Task LoadAsync(BlockBackend backend)
    {
        for (int i = 0; i < 20; i++)
        {
            await backend.ReadAsync(0, new byte[512]);
        }
    }
}
