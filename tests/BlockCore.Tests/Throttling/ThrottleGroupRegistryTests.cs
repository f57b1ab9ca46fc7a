using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins names, lifetimes and the two halves of joining a group.</summary>
[TestFixture]
public sealed class ThrottleGroupRegistryTests
{
    private static readonly ThrottleLimitsUpdate s_nothing = new();
    private static readonly ThrottleLimitsUpdate s_ten = new() { ["iops-total"] = 10 };

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

    [Test]
    public void An_implicit_group_lives_as_long_as_its_members()
    {
        ThrottleGroupMember first = _registry.JoinOrCreate("g").AddMember(Context);
        ThrottleGroupMember second = _registry.Join("g").AddMember(Context);
        first.Leave();
        Assert.That(_registry.Find("g"), Is.SameAs(second.Group));
        second.Leave();

        Assert.That(_registry.Find("g"), Is.Null);
    }

    [Test]
    public void Joining_a_group_that_does_not_exist_fails([Values("nope", "")] string name) =>
        AssertFails(() => _registry.Join(name), BlockErrorKind.NotFound, $"Throttle group '{name}' does not exist");

    [Test]
    public void Nameless_groups_are_numbered_around_names_that_are_taken()
    {
        _registry.JoinOrCreate("#throttle1");
        string[] names = [_registry.CreateAnonymous(ThrottleConfig.Unlimited).Name, _registry.CreateAnonymous(Limits(("bps-read", 5))).Name];

        Assert.That(names, Is.EqualTo(new[] { "#throttle0", "#throttle2" }));
        Assert.That(_registry.Groups.Select(group => group.Name), Is.EqualTo(new[] { "#throttle1", "#throttle0", "#throttle2" }));
    }

    [Test]
    public void An_object_outlives_its_members_and_is_deleted_by_name()
    {
        ThrottleGroup group = _registry.CreateObject("G", s_ten);
        ThrottleGroupMember member = _registry.Join("G").AddMember(Context);
        Assert.That(_registry.IsObject(group), Is.True);
        AssertFails(() => _registry.DeleteObject("G"), BlockErrorKind.Busy, "object 'G' is in use, can not be deleted");
        member.Leave();
        Assert.That(_registry.Find("G"), Is.SameAs(group));
        _registry.DeleteObject("G");

        Assert.That(_registry.Find("G"), Is.Null);
    }

    [Test]
    public void Deleting_what_is_no_object_fails()
    {
        _registry.JoinOrCreate("implicit");

        AssertFails(() => _registry.DeleteObject("nope"), BlockErrorKind.NotFound, "object 'nope' not found");
        AssertFails(() => _registry.DeleteObject("implicit"), BlockErrorKind.NotFound, "object 'implicit' not found");
    }

    [Test]
    public void A_name_that_is_taken_is_refused()
    {
        _registry.JoinOrCreate("implicit");
        _registry.CreateObject("object", s_nothing);

        AssertFails(() => _registry.CreateObject("implicit", s_nothing), BlockErrorKind.AlreadyExists, "A group with this name already exists");
        AssertFails(() => _registry.CreateObject("object", s_nothing, isAdopting: true), BlockErrorKind.AlreadyExists, "A group with this name already exists");
    }

    [Test]
    public void An_object_may_adopt_a_group_and_merge_its_limits()
    {
        ThrottleGroup group = _registry.JoinOrCreate("g");
        group.SetConfig(Limits(("iops-total", 5), ("iops-size", 512)));
        ThrottleGroup adopted = _registry.CreateObject("g", s_ten, isAdopting: true);
        Assert.That((adopted, adopted.Config), Is.EqualTo((group, Limits(("iops-total", 10), ("iops-size", 512)))));
        _registry.Release(group);

        Assert.That(_registry.Find("g"), Is.SameAs(group), "held by the object");
    }

    [Test]
    public void An_object_may_adopt_a_group_as_it_is()
    {
        ThrottleGroup group = _registry.JoinOrCreate("g");
        group.SetConfig(Limits(("iops-total", 5)));
        _registry.CreateObject("g", s_nothing, isAdopting: true);

        Assert.That(group.Config.IopsTotal.Rate, Is.EqualTo(5));
    }

    [Test]
    public void Limits_that_are_not_valid_leave_no_group_behind()
    {
        ThrottleLimitsUpdate bad = new() { ["iops-total-max-length"] = 1L << 32 };

        AssertFails(() => _registry.CreateObject("g", bad), BlockErrorKind.InvalidArgument, "iops-total-max-length value must be in the range [0, 4294967295]");
        AssertFails(() => _registry.Reserve("g", bad), BlockErrorKind.InvalidArgument, "limits.iops-total-max-length value must be in the range [0, 4294967295]");
        AssertFails(() => _registry.Reserve(null, bad), BlockErrorKind.InvalidArgument, "limits.iops-total-max-length value must be in the range [0, 4294967295]");
        Assert.That(() => _registry.CreateAnonymous(Limits(("bps-read", -1))), Throws.InstanceOf<BlockException>());
        Assert.That(_registry.Groups, Is.Empty);
    }

    [Test]
    public void Neither_name_nor_limits_lead_to_an_unlimited_group_of_ones_own()
    {
        ThrottleGroupMember member = _registry.Reserve(null, s_nothing).Commit(Context);
        Assert.That((member.Group.Name, member.Group.IsEnabled), Is.EqualTo(("#throttle0", false)));
        member.Leave();

        Assert.That(_registry.Groups, Is.Empty);
    }

    [Test]
    public void Limits_alone_lead_to_a_group_of_ones_own_with_them()
    {
        ThrottleGroupMember member = _registry.Reserve(null, s_ten).Commit(Context);

        Assert.That(member.Group.Config, Is.EqualTo(Limits(("iops-total", 10))));
    }

    [Test]
    public void A_name_alone_joins_and_keeps_the_limits()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);
        ThrottleReservation reservation = _registry.Reserve("g", s_nothing);
        Assert.That(reservation.ChangesLimits, Is.False);
        reservation.Commit(Context);

        Assert.That((group.MemberCount, group.Config), Is.EqualTo((1, Limits(("iops-total", 10)))));
    }

    [Test]
    public void A_name_and_limits_merge_when_committed_and_not_before()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);
        ThrottleReservation reservation = _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total-max"] = 20 });
        Assert.That((group.Config, group.MemberCount), Is.EqualTo((Limits(("iops-total", 10)), 0)), "prepared");
        Assert.That(reservation.Config, Is.EqualTo(Limits(("iops-total", 10), ("iops-total-max", 20))));
        reservation.Commit(Context);

        Assert.That((group.Config, group.MemberCount), Is.EqualTo((reservation.Config, 1)), "committed");
    }

    [Test]
    public void An_unknown_name_with_limits_creates_the_group()
    {
        ThrottleGroupMember member = _registry.Reserve("new", s_ten).Commit(Context);
        Assert.That((member.Group.Name, member.Group.Config), Is.EqualTo(("new", Limits(("iops-total", 10)))));
        member.Leave();

        Assert.That(_registry.Groups, Is.Empty);
    }

    [Test]
    public void An_unknown_name_without_limits_fails()
    {
        AssertFails(() => _registry.Reserve("nope", s_nothing), BlockErrorKind.NotFound, "Throttle group 'nope' does not exist");
        AssertFails(() => _registry.Reserve(string.Empty, s_ten), BlockErrorKind.NotFound, "Throttle group '' does not exist");
    }

    [Test]
    public void A_discarded_reservation_leaves_no_trace()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);
        _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total"] = 99 }).Discard();
        _registry.Reserve("new", s_ten).Discard();
        _registry.Reserve(null, s_ten).Discard();

        Assert.That(_registry.Groups, Is.EqualTo(new[] { group }));
        Assert.That(group.Config, Is.EqualTo(Limits(("iops-total", 10))));
        Assert.That(() => _registry.DeleteObject("g"), Throws.Nothing);
    }

    [Test]
    public void A_reservation_keeps_its_group_until_it_is_over()
    {
        _registry.CreateObject("g", s_ten);
        ThrottleReservation reservation = _registry.Reserve("g", s_nothing);
        AssertFails(() => _registry.DeleteObject("g"), BlockErrorKind.Busy, "object 'g' is in use, can not be deleted");
        reservation.Discard();

        Assert.That(reservation.Discard, Throws.InstanceOf<InvariantViolationException>(), "over is over");
    }

    [Test]
    public void A_reopened_node_moves_to_the_other_group()
    {
        ThrottleGroupMember old = _registry.Reserve(null, s_ten).Commit(Context);
        ThrottleGroup target = _registry.CreateObject("g", s_nothing);
        ThrottleGroupMember moved = _registry.Reserve("g", s_nothing).Commit(Context, old);

        Assert.That((moved.Group, old.Group.MemberCount), Is.EqualTo((target, 0)));
        Assert.That(_registry.Groups, Is.EqualTo(new[] { target }), "the old one has died");
    }

    [Test]
    public void A_reopened_node_that_stays_keeps_its_membership()
    {
        ThrottleGroupMember member = _registry.Reserve(null, s_ten).Commit(Context);
        ThrottleGroupMember same = _registry.ReserveChange(member.Group, new ThrottleLimitsUpdate { ["iops-total"] = 20 }).Commit(Context, member, ThrottleChangePolicy.Reset);
        Assert.That((same, member.Group.Config), Is.EqualTo((member, Limits(("iops-total", 20)))));
        member.Leave();

        Assert.That(_registry.Groups, Is.Empty, "the reservation's reference was given back");
    }

    [Test]
    public void Two_reservations_of_one_group_both_take_effect()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);
        ThrottleReservation first = _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total-max"] = 20 });
        ThrottleReservation second = _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-size"] = 512 });
        first.Commit(Context);
        second.Commit(Context);

        Assert.That(group.Config, Is.EqualTo(Limits(("iops-total", 10), ("iops-total-max", 20), ("iops-size", 512))));
    }

    [Test]
    public void A_commit_whose_merge_has_become_invalid_puts_in_force_what_was_prepared()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);
        ThrottleReservation reservation = _registry.Reserve("g", new ThrottleLimitsUpdate { ["iops-total-max"] = 20 });
        group.SetConfig(Limits(("iops-total", 50)));
        reservation.Commit(Context);

        Assert.That(group.Config, Is.EqualTo(Limits(("iops-total", 10), ("iops-total-max", 20))));
    }

    [Test]
    public void Releasing_what_is_not_held_is_a_bug()
    {
        ThrottleGroup group = _registry.CreateObject("g", s_ten);

        Assert.That(() => _registry.Release(group), Throws.InstanceOf<InvariantViolationException>(), "the object's own reference");
        Assert.That(() => _registry.Release(new ThrottleGroup("g", ThrottleConfig.Unlimited)), Throws.InstanceOf<InvariantViolationException>(), "another group of that name");
    }

    [Test]
    public void A_child_holds_its_parent_until_it_goes()
    {
        _registry.CreateObject("vm", s_ten);
        ThrottleReservation planned = _registry.Reserve("disk", s_nothing, parentName: "vm");
        Assert.That(() => _registry.DeleteObject("vm"), Throws.TypeOf<BlockException>().With.Message.EqualTo("object 'vm' is in use, can not be deleted"), "planned");

        ThrottleGroupMember member = planned.Commit(Context);
        Assert.That(member.Group.Parent?.Name, Is.EqualTo("vm"));
        Assert.That(() => _registry.DeleteObject("vm"), Throws.TypeOf<BlockException>(), "there");

        member.Leave();
        Assert.That(_registry.Find("disk"), Is.Null, "goes with its member");
        _registry.DeleteObject("vm");
        Assert.That(_registry.Groups, Is.Empty, "nothing is left");
    }

    private static void AssertFails(Action action, BlockErrorKind kind, string text) =>
        Assert.That(action, Throws.InstanceOf<BlockException>().With.Message.EqualTo(text).And.Property(nameof(BlockException.Kind)).EqualTo(kind));
}
