using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.ObjectModel;

/// <summary>What a throttle group that is an object has beside its limits: a parent, a share of what that one admits, and how it goes about.</summary>
[TestFixture]
public sealed class ThrottleGroupSettingTests
{
    private const string Everything =
        "throttle-group,id=g,parent=p,limits.iops-total=10,burst-window=50,pacing=on,fair-by=cost,share.weight=4,share.reservation-iops=10,share.reservation-bps=20,share.limit-iops=30,share.limit-bps=40";

    private GraphFixture _fixture = null!;

    private NodeGraph Graph => _fixture.Graph;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture();

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_group_is_created_with_all_of_it_and_shows_it() => _fixture.Run(async () =>
    {
        ThrottleGroup parent = Group(await AddAsync("throttle-group,id=p,limits.iops-total=100"));
        ThrottleGroup group = Group(await AddAsync(Everything));
        Assert.That(group.Parent, Is.SameAs(parent), "above it");
        Assert.That(group.Config, Is.EqualTo(new ThrottleConfig { IopsTotal = new ThrottleLimits(10), BurstWindowMs = 50, IsPaced = true, IsFairByCost = true }), "limits, and how it goes about");
        Assert.That(group.Share, Is.EqualTo(new ThrottleShare { Weight = 4, ReservationIops = 10, ReservationBps = 20, LimitIops = 30, LimitBps = 40 }), "its share");
        string[] shown = [await GetAsync("parent"), await GetAsync("burst-window"), await GetAsync("pacing"), await GetAsync("fair-by"), await GetAsync("share")];
        Assert.That(shown, Is.EqualTo(new[] { "p", "50", "on", "cost", "weight=4,reservation-iops=10,reservation-bps=20,limit-iops=30,limit-bps=40" }), "as properties");
    });

    [Test]
    public void A_group_that_says_nothing_has_the_defaults() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=g");
        string[] shown = [await GetAsync("parent"), await GetAsync("burst-window"), await GetAsync("pacing"), await GetAsync("fair-by"), await GetAsync("share")];
        Assert.That(shown, Is.EqualTo(new[] { "", "100", "off", "requests", "weight=1,reservation-iops=0,reservation-bps=0,limit-iops=0,limit-bps=0" }), "as properties");
    });

    [Test]
    public void The_object_tree_lists_them_with_the_limits() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=p");
        await AddAsync(Everything);
        string[] names = [.. (await Graph.ObjectTree.ListAsync("/objects/g")).Select(property => $"{property.Name}:{property.TypeName}")];
        Assert.That(names, Is.SupersetOf(new[] { "limits:ThrottleLimits", "parent:string", "burst-window:int", "pacing:bool", "fair-by:string", "share:ThrottleShare" }), "of an object");
        Assert.That((await Graph.ObjectTree.GetPropertyAsync("/throttle-groups/g", "parent")).AsText, Is.EqualTo("p"), "by the path of groups");
    });

    [Test]
    public void Each_is_set_for_itself_and_leaves_the_others() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=p");
        ThrottleGroup group = Group(await AddAsync(Everything));
        ThrottleConfig config = group.Config;
        await Graph.ObjectTree.SetPropertyAsync("g", "burst-window", 0);
        Assert.That(group.Config, Is.EqualTo(config = config with { BurstWindowMs = 0 }), "the window");
        await Graph.ObjectTree.SetPropertyAsync("g", "pacing", false);
        Assert.That(group.Config, Is.EqualTo(config = config with { IsPaced = false }), "pacing");
        await Graph.ObjectTree.SetPropertyAsync("g", "fair-by", "requests");
        Assert.That(group.Config, Is.EqualTo(config = config with { IsFairByCost = false }), "turns");
        await Graph.ObjectTree.SetPropertyAsync("g", "limits", JsonOptions.Parse("""{"iops-total":20}"""));
        Assert.That(group.Config, Is.EqualTo(config with { IopsTotal = new ThrottleLimits(20) }), "limits");
    });

    [Test]
    public void A_share_that_is_set_is_merged_over_the_present_one() => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=p");
        ThrottleGroup group = Group(await AddAsync(Everything));
        ThrottleShare share = group.Share;
        await Graph.ObjectTree.SetPropertyAsync("g", "share", JsonOptions.Parse("""{"weight":2,"limit-bps":0}"""));
        Assert.That(group.Share, Is.EqualTo(share = share with { Weight = 2, LimitBps = 0 }), "two of five");
        await Graph.ObjectTree.SetPropertyAsync("g", "share", JsonOptions.Parse("{}"));
        Assert.That(group.Share, Is.EqualTo(share), "none of them");
        BlockException error = await Failure.OfAsync(() => Graph.ObjectTree.SetPropertyAsync("g", "share", JsonOptions.Parse("""{"weight":3,"reservation-iops":31}""")));
        Assert.That(error.Message, Is.EqualTo("share.reservation-iops cannot be higher than share.limit-iops"), "weighed with what is there");
        Assert.That(group.Share, Is.EqualTo(share), "nothing has changed");
    });

    [TestCase("parent", "\"q\"", "Property 'throttle-group.parent' is not writable")]
    [TestCase("parent", "\"\"", "Property 'throttle-group.parent' is not writable")]
    [TestCase("burst-window", "\"50\"", "Invalid parameter type for 'burst-window', expected: integer")]
    [TestCase("pacing", "1", "Invalid parameter type for 'pacing', expected: boolean")]
    [TestCase("fair-by", "true", "Invalid parameter type for 'fair-by', expected: string")]
    [TestCase("fair-by", "\"Cost\"", "Parameter 'fair-by' does not accept value 'Cost'")]
    [TestCase("share", "4", "Invalid parameter type for 'share', expected: object")]
    [TestCase("share", "{\"weight\":\"4\"}", "Invalid parameter type for 'share.weight', expected: integer")]
    public void What_cannot_be_set_changes_nothing(string property, string json, string text) => _fixture.Run(async () =>
    {
        await AddAsync("throttle-group,id=p");
        await AddAsync("throttle-group,id=q");
        ThrottleGroup group = Group(await AddAsync(Everything));
        (ThrottleConfig Config, ThrottleShare Share, ThrottleGroup? Parent) before = (group.Config, group.Share, group.Parent);
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.SetPropertyAsync("g", property, JsonOptions.ParseValue(json)))).Message, Is.EqualTo(text), "why");
        Assert.That((group.Config, group.Share, group.Parent), Is.EqualTo(before), "as it was");
    });

    // p <- g <- h
    [Test]
    public void A_parent_goes_only_after_the_groups_below_it() => _fixture.Run(async () =>
    {
        IUserObject parent = await AddAsync("throttle-group,id=p");
        await AddAsync("throttle-group,id=g,parent=p");
        await AddAsync("throttle-group,id=h,parent=g,share.weight=2");
        foreach (string id in new[] { "p", "g" })
        {
            Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.DeleteAsync(id))).Message, Is.EqualTo($"object '{id}' is in use, can not be deleted"), id);
        }

        await Graph.ObjectTree.DeleteAsync("h");
        await Graph.ObjectTree.DeleteAsync("g");
        Assert.That(parent.IsInUse, Is.False, "nobody is below it");
        await Graph.ObjectTree.DeleteAsync("p");
        Assert.That(Graph.ThrottleGroups.Groups, Is.Empty, "all gone");
    });

    [TestCase("throttle-group,id=g,parent=nope", "Throttle group 'nope' does not exist")]
    [TestCase("throttle-group,id=g,parent=p,share.weight=0", "share.weight value must be in the range [1, 10000]")]
    [TestCase("throttle-group,id=g,parent=p,burst-window=-1", "burst-window value must be in the range [0, 3600000]")]
    [TestCase("throttle-group,id=g,parent=p,limits.iops-total-max=1", "bps_max/iops_max require corresponding bps/iops values")]
    [TestCase("throttle-group,id=g,share.weight=2", "'share.*' requires 'parent'")]
    public void A_group_that_is_refused_holds_no_parent(string text, string message) => _fixture.Run(async () =>
    {
        IUserObject parent = await AddAsync("throttle-group,id=p");
        Assert.That((await Failure.OfAsync(() => AddAsync(text))).Message, Is.EqualTo(message), "why");
        Assert.That((parent.IsInUse, Graph.ThrottleGroups.Groups.Count), Is.EqualTo((false, 1)), "nothing is left of it");
        await Graph.ObjectTree.DeleteAsync("p");
    });

    private static ThrottleGroup Group(IUserObject created) => ((ThrottleGroupObject)created).Group;

    private Task<IUserObject> AddAsync(string text) => Graph.ObjectTree.AddAsync(CommandOptions.ReadKeyvalOrJson(text, "qom-type", out _));

    private async Task<string> GetAsync(string property) => await Graph.ObjectTree.GetPropertyAsync("g", property) switch
    {
        OptionsDictionary all => string.Join(',', all.Select(entry => $"{entry.Key}={entry.Value.AsText}")),
        OptionValue value => value.AsText!,
    };
}
