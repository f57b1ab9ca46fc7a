using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Plans of one operation build upon each other; nobody else sees what they are about to make.</summary>
[TestFixture]
public sealed class ThrottleReservationTests
{
    private static readonly ThrottleLimitsUpdate s_nothing = new();
    private static readonly ThrottleLimitsUpdate s_ten = new() { ["iops-total"] = 10 };
    private readonly object _operation = new();
    private VirtualTimeScheduler _scheduler = null!;
    private ThrottleGroupRegistry _registry = null!;

    private AioContext Context => _scheduler.MainContext;

    [SetUp]
    public void SetUp()
    {
        _scheduler = new VirtualTimeScheduler();
        _registry = new ThrottleGroupRegistry();
    }

    [TearDown]
    public void TearDown() => _scheduler.Dispose();

    [TestCase("new")]
    [TestCase(null)]
    public void A_planned_group_is_nowhere_to_be_seen(string? name)
    {
        ThrottleReservation reservation = _registry.Reserve(name, s_ten, operation: _operation);
        Assert.That((_registry.Groups.Count, _registry.Find(reservation.Group.Name)), Is.EqualTo((0, (ThrottleGroup?)null)), "neither listed nor found");
        Assert.That(_registry.Entries, Is.Empty, "nor listed with its kind");
        AssertFails(() => _registry.Join(reservation.Group.Name), $"Throttle group '{reservation.Group.Name}' does not exist");
        reservation.Commit(Context);

        Assert.That((_registry.Groups.Single(), reservation.Group.Config), Is.EqualTo((reservation.Group, Limits(("iops-total", 10)))), "from the commit on");
    }

    [Test]
    public void Only_the_same_operation_joins_what_it_is_about_to_create()
    {
        ThrottleReservation first = _registry.Reserve("new", s_ten, operation: _operation);
        AssertFails(() => _registry.Reserve("new", s_nothing), "Throttle group 'new' does not exist");
        AssertFails(() => _registry.Reserve("new", s_nothing, operation: new object()), "Throttle group 'new' does not exist");
        ThrottleReservation second = _registry.Reserve("new", s_nothing, operation: _operation);
        Assert.That(second.Config, Is.EqualTo(first.Config), "with the limits that it is planned with");
        second.Commit(Context);
        first.Commit(Context);

        Assert.That((_registry.Find("new")!.MemberCount, _registry.Find("new")!.Config), Is.EqualTo((2, Limits(("iops-total", 10)))), "in any order");
    }

    [Test]
    public void Two_operations_that_are_about_to_create_one_group_do_not_see_each_others_limits()
    {
        ThrottleReservation fails = _registry.Reserve("new", s_ten, operation: _operation);
        ThrottleReservation succeeds = _registry.Reserve("new", new ThrottleLimitsUpdate { ["iops-read"] = 5 }, operation: new object());
        ThrottleGroupMember member = succeeds.Commit(Context);
        fails.Discard();
        Assert.That((member.Group.Config, member.Group.MemberCount), Is.EqualTo((Limits(("iops-read", 5)), 1)), "nothing is left of what failed");
        member.Leave();

        Assert.That(_registry.Groups, Is.Empty, "nor a reference");
    }

    [Test]
    public void The_last_plan_of_an_operation_wins_in_whatever_order_they_are_committed([Values] bool isReversed)
    {
        ThrottleGroup group = _registry.CreateObject("g", s_nothing);
        ThrottleReservation[] plans =
        [
            _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total"] = 1, ["iops-size"] = 512 }, operation: _operation),
            _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total"] = 2, ["bps-read"] = 7 }, operation: _operation),
            _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total"] = 3 }, operation: _operation),
        ];
        foreach (ThrottleReservation plan in isReversed ? plans.Reverse() : plans)
        {
            plan.Commit(Context);
        }

        Assert.That(group.Config, Is.EqualTo(Limits(("iops-total", 3), ("iops-size", 512), ("bps-read", 7))), "and what only one says stands");
    }

    [Test]
    public void Plans_of_one_operation_are_weighed_together_and_those_of_two_apart()
    {
        _registry.CreateObject("g", s_nothing);
        ThrottleReservation first = _registry.Reserve("g", s_ten, operation: _operation);
        AssertFails(
            () => _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-read"] = 5 }, operation: _operation),
            "bps/iops/max total values and read/write values cannot be used at the same time");
        ThrottleReservation other = _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-read"] = 5 }, operation: new object());
        Assert.That(other.Config, Is.EqualTo(Limits(("iops-read", 5))), "the first may fail yet");
        other.Discard();
        first.Discard();

        Assert.That(() => _registry.DeleteObject("g"), Throws.Nothing, "no reference is left");
    }

    [Test]
    public void A_plan_that_is_given_up_uses_no_number_up()
    {
        ThrottleReservation given = _registry.Reserve(null, s_ten);
        ThrottleReservation kept = _registry.Reserve(null, s_ten);
        given.Discard();
        kept.Discard();
        AssertFails(() => _registry.Reserve(null, new ThrottleLimitsUpdate { ["iops-size"] = 1 }), "iops size requires an iops value to be set");
        ThrottleGroup first = _registry.Reserve(null, s_ten).Commit(Context).Group;
        ThrottleGroup second = _registry.CreateAnonymous(ThrottleConfig.Unlimited);
        Assert.That((given.Group.Name, kept.Group.Name, first.Name, second.Name), Is.EqualTo(("#throttle0", "#throttle1", "#throttle0", "#throttle1")), "planned, planned, made, made");
        Assert.That((_registry.IsAnonymous(first), _registry.IsAnonymous(_registry.CreateObject("g", s_nothing))), Is.EqualTo((true, false)), "and it is known which");
    }

    [Test]
    public void A_group_that_somebody_makes_meanwhile_is_there_for_all()
    {
        ThrottleReservation planned = _registry.Reserve("new", s_ten, operation: _operation);
        ThrottleGroup group = _registry.JoinOrCreate("new");
        Assert.That((_registry.Find("new"), group.Config), Is.EqualTo((group, ThrottleConfig.Unlimited)), "without what is only planned");
        ThrottleGroupMember member = planned.Commit(Context);
        Assert.That(group.Config, Is.EqualTo(Limits(("iops-total", 10))), "which comes with the commit");
        member.Leave();
        _registry.Release(group);

        Assert.That(_registry.Groups, Is.Empty, "all references are back");
    }

    private static void AssertFails(Action action, string text) => Assert.That(action, Throws.InstanceOf<BlockException>().With.Message.EqualTo(text));
}
