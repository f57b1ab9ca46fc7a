using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.ObjectModel;

/// <summary>
/// Throttle groups as objects: beside the groups of nodes, under load, and to the end. What is accepted and refused is in surfaces.md of
/// Drivers.Tests.
/// </summary>
[TestFixture]
public sealed class ThrottleGroupTypeTests
{
    private const long NsPerSecond = 1_000_000_000;

    private GraphFixture _fixture = null!;

    private NodeGraph Graph => _fixture.Graph;

    [SetUp]
    public void SetUp() => _fixture = NewFixture(CompatibilityProfile.Own);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void Groups_of_every_kind_are_listed() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=made");
        await using BlockBackend named = await OpenAsync("a", ",throttle-group=named,limits.iops-total=1");
        await using BlockBackend nameless = await OpenAsync("b", ",limits.iops-total=1");
        Assert.That(
            Graph.ThrottleGroups.Entries.Select(entry => (entry.Group.Name, entry.Kind)),
            Is.EqualTo(new[] { ("made", ThrottleGroupKind.Object), ("named", ThrottleGroupKind.Implicit), ("#throttle0", ThrottleGroupKind.Anonymous) }),
            "by program");
        Assert.That((await Graph.ObjectTree.ListAsync("/throttle-groups")).Select(entry => entry.Name), Is.EqualTo(new[] { "made", "named", "#throttle0" }), "by path");
        Assert.That((await Graph.ObjectTree.ListAsync("/objects")).Select(entry => entry.Name), Is.EqualTo(new[] { "made" }), "one is an object");
        string?[] kinds = [await KindAsync("made"), await KindAsync("named"), await KindAsync("#throttle0")];
        Assert.That(kinds, Is.EqualTo(new[] { "object", "implicit", "anonymous" }), "as a property");
    });

    [Test]
    public void The_limits_of_a_nameless_group_are_set_by_its_path() => _fixture.Run(async () =>
    {
        await using BlockBackend nameless = await OpenAsync("a", ",limits.iops-total=1");
        await Graph.ObjectTree.SetPropertyAsync("/throttle-groups/#throttle0", "limits", JsonOptions.Parse("""{"iops-total-max":50}"""));
        Assert.That(Graph.ThrottleGroups.Find("#throttle0")!.Config.IopsTotal, Is.EqualTo(new ThrottleLimits(1, 50)), "merged");
    });

    // write  ─► throttle ─► memory    one operation a second, eleven written, ten wait
    [Test]
    public void Whoever_waits_is_weighed_again_when_limits_are_set() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=g,limits.iops-total=1");
        await using BlockBackend backend = await OpenAsync("a", ",throttle-group=g");
        long startNs = _fixture.Context.NowNs;
        Task all = Task.WhenAll(Enumerable.Range(0, 12).Select(i => backend.WriteAsync(i * 512L, new byte[512]).AsTask()));
        await _fixture.Context.DelayAsync(NsPerSecond / 2);
        Assert.That(all.IsCompleted, Is.False, "eleven seconds and more to go");
        await Graph.ObjectTree.SetPropertyAsync("g", "limits", JsonOptions.Parse("""{"iops-total":1000000}"""));
        await all;
        Assert.That(_fixture.Context.NowNs - startNs, Is.LessThan(NsPerSecond), "not when the old timer fires");
    });

    [TestCase("own", false)]
    [TestCase("qemu", true)]
    public void What_becomes_of_debt_is_decided_by_the_profile(string name, bool isForgiven)
    {
        using GraphFixture fixture = NewFixture(name == "qemu" ? CompatibilityProfile.Qemu : CompatibilityProfile.Own);
        fixture.Run(async () =>
        {
            await fixture.Graph.ObjectTree.AddAsync(KeyvalParser.Parse("qom-type=throttle-group,id=g,limits.iops-total=10"));
            await using BlockBackend backend = await fixture.Graph.OpenAsync(KeyvalParser.Parse("driver=throttle,throttle-group=g,file.driver=memory,file.filename=a"));
            await backend.WriteAsync(0, new byte[512]);
            await fixture.Graph.ObjectTree.SetPropertyAsync("g", "limits", JsonOptions.Parse("""{"iops-total":20}"""));
            Assert.That(fixture.Graph.ThrottleGroups.Find("g")!.Bucket(ThrottleMeter.IopsTotal).Level, isForgiven ? Is.Zero : Is.GreaterThan(0), "what the write has cost");
        });
    }

    [Test]
    public void An_adopted_group_keeps_its_members_and_outlives_them() => _fixture.Run(async () =>
    {
        BlockBackend backend = await OpenAsync("a", ",throttle-group=g,limits.iops-total=5");
        ThrottleGroup group = Graph.ThrottleGroups.Find("g")!;
        IUserObject adopted = await AddAsync("throttle-group,id=g,adopt=on,limits.iops-total-max=50");
        Assert.That(((ThrottleGroupObject)adopted).Group, Is.SameAs(group), "the group itself");
        Assert.That((group.Config.IopsTotal, group.MemberCount), Is.EqualTo((new ThrottleLimits(5, 50), 1)), "merged, and in use");
        Assert.That(adopted.IsInUse, Is.True, "by the node");
        await backend.DisposeAsync();
        Assert.That((Graph.ThrottleGroups.Find("g"), adopted.IsInUse), Is.EqualTo((group, false)), "the object's alone");
        await Graph.ObjectTree.DeleteAsync("g");
        Assert.That(Graph.ThrottleGroups.Groups, Is.Empty, "gone with it");
    });

    [Test]
    public void Adopting_what_would_be_invalid_changes_nothing() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("a", ",throttle-group=g,limits.iops-total=5");
        Assert.That(
            (await Failure.OfAsync(() => AddAsync("throttle-group,id=g,adopt=on,limits.iops-total-max=4"))).Message,
            Is.EqualTo("bps_max/iops_max cannot be lower than bps/iops"), "over what is in force");
        Assert.That(Graph.ThrottleGroups.Entries.Single().Kind, Is.EqualTo(ThrottleGroupKind.Implicit), "as it was");
        Assert.That(Graph.Objects.All, Is.Empty, "no object");
    });

    [Test]
    public void An_object_that_is_gone_leaves_its_group_to_who_holds_it() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=g");
        ThrottleGroup held = Graph.ThrottleGroups.Join("g");
        await Graph.DisposeAsync();
        Assert.That(Graph.ThrottleGroups.Entries.Single(), Is.EqualTo(new ThrottleGroupEntry(held, ThrottleGroupKind.Implicit)), "held by the caller");
        Graph.ThrottleGroups.Release(held);
        Assert.That(Graph.ThrottleGroups.Groups, Is.Empty, "and then by nobody");
    });

    [Test]
    public void A_group_is_made_and_unmade_as_often_as_one_likes() => _fixture.Run(async () =>
    {
        for (int i = 0; i < 3; i++)
        {
            await AddAsync("throttle-group,id=g");
            await Graph.ObjectTree.DeleteAsync("g");
        }

        await using BlockBackend backend = await OpenAsync("a", ",throttle-group=g,limits.iops-total=5");
        Assert.That(Graph.ThrottleGroups.Entries.Single().Kind, Is.EqualTo(ThrottleGroupKind.Implicit), "a node may use the name");
    });

    private static GraphFixture NewFixture(CompatibilityProfile profile) =>
        new(drivers: [new ThrottleFilterDriver()], graphOptions: new NodeGraphOptions { Profile = profile });

    private Task<IUserObject> AddAsync(string text) => Graph.ObjectTree.AddAsync(CommandOptions.ReadKeyvalOrJson(text, "qom-type", out _));

    private Task<BlockBackend> OpenAsync(string storage, string options) => Graph.OpenAsync(KeyvalParser.Parse($"driver=throttle,file.driver=memory,file.filename={storage}{options}"));

    private async Task<string?> KindAsync(string group) => (await Graph.ObjectTree.GetPropertyAsync("/throttle-groups/" + group, "kind")).AsText;
}
