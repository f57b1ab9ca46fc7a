using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>A throttle node puts its group below another: that one's limits count too, and it stays for as long as the node is there.</summary>
[TestFixture]
public sealed class ThrottleParentTests
{
    private const int Ms = 1_000_000;

    private ThrottleFixture _world = null!;

    [SetUp]
    public void SetUp() => _world = new ThrottleFixture();

    [TearDown]
    public void TearDown() => _world.Dispose();

    // backend -> t -> memory, group g of t below p
    [TestCase("throttle-group=g,limits.iops-total=1000000")]
    [TestCase("throttle-group=g")]
    [TestCase("limits.iops-total=1000000")]
    [TestCase("")]
    public void A_node_below_a_parent_is_charged_in_both_and_holds_the_parent(string options) => _world.Run(async () =>
    {
        ThrottleGroup parent = _world.Groups.CreateObject("p", ThrottleFixture.Iops(1000));
        BlockBackend backend = await _world.OpenAsync("t", "throttle-parent=p" + (options.Length == 0 ? "" : "," + options));
        ThrottleGroup group = _world.Member("t").Group;
        Assert.That((group.Parent, group.Name), Is.EqualTo((parent, options.Contains("=g", StringComparison.Ordinal) ? "g" : "#throttle0")), "where it stands");
        await backend.WriteAsync(0, new byte[512]);
        double own = group.Bucket(ThrottleMeter.IopsTotal).Level;
        Assert.That((own, parent.Bucket(ThrottleMeter.IopsTotal).Level), Is.EqualTo((group.Config.IsEnabled ? 1 : 0, 1)), "charged");
        Assert.That(_world.Node("t").Details.GetText("throttle-parent"), Is.EqualTo("p"), "to be seen");
        Assert.That(() => _world.Groups.DeleteObject("p"), Throws.TypeOf<BlockException>().With.Message.EqualTo("object 'p' is in use, can not be deleted"), "held");
        await backend.DisposeAsync();
        Assert.That(_world.Describe(), Is.EqualTo("p(0): iops-total=1000"), "the group has gone with the node");
        _world.Groups.DeleteObject("p");
        Assert.That(_world.Describe(), Is.Empty, "and the parent may go");
    });

    // backend -> t and u, in g and h, both below p with ten a second: the parent's limit counts for both together.
    [Test]
    public void Two_nodes_below_one_parent_share_what_it_admits() => _world.Run(async () =>
    {
        _world.Groups.CreateObject("p", ThrottleFixture.Iops(10));
        await using BlockBackend a = await _world.OpenAsync("t", "throttle-group=g,throttle-parent=p");
        await using BlockBackend b = await _world.OpenAsync("u", "throttle-group=h,throttle-parent=p");
        List<long> first = [];
        List<long> second = [];
        long startNs = _world.World.Context.NowNs;
        await Task.WhenAll([.. Enumerable.Range(0, 5).Select(_ => ReadAsync(a, first)), .. Enumerable.Range(0, 5).Select(_ => ReadAsync(b, second))]);
        Assert.That(Math.Max(first[^1], second[^1]) - startNs, Is.EqualTo(800 * Ms), "ten together");
        Assert.That(first.Skip(2).Zip(second, (x, y) => Math.Abs(x - y)), Is.EqualTo(new[] { 100 * Ms, 100 * Ms, 100 * Ms }), "two at once, then in turn for as long as both wait");
    });

    [TestCase("throttle-parent=nope", "Throttle group 'nope' does not exist")]
    [TestCase("throttle-group=g,throttle-parent=nope,limits.iops-total=1", "Throttle group 'nope' does not exist")]
    [TestCase("throttle-parent=,limits.iops-total=1", "Throttle group '' does not exist")]
    [TestCase("throttle-group=g,throttle-parent=g", "Throttle group 'g' does not exist")]
    [TestCase("throttle-group=h,throttle-parent=p", "Throttle group 'h' has no parent, not 'p'")]
    [TestCase("throttle-group=q,throttle-parent=h", "Throttle group 'q' has parent 'p', not 'h'")]
    [TestCase("throttle-group=g,throttle-parent=p,limits.iops-read=1,limits.iops-total=1", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("throttle-group=g,throttle-parent=p,share.weight=0", "share.weight value must be in the range [1, 10000]")]
    [TestCase("throttle-group=g,throttle-parent=p,max-wait=-1", "max-wait value must be in the range [0, 2147483647]")]
    public void A_node_that_is_refused_leaves_neither_group_nor_reference(string options, string text) => _world.Run(async () =>
    {
        _world.Groups.CreateObject("p", ThrottleFixture.Iops(100));
        _world.Groups.CreateObject("h", ThrottleFixture.Iops(50));
        _world.Groups.CreateObject("q", ThrottleFixture.Iops(20), parentName: "p");
        string before = _world.Picture();
        Assert.That((await Failure.OfAsync(() => _world.OpenAsync("t", options))).Message, Is.EqualTo(text), "why");
        Assert.That(_world.Picture(), Is.EqualTo(before), "nothing has changed");
        foreach (string name in new[] { "q", "p", "h" })
        {
            _world.Groups.DeleteObject(name);
        }

        Assert.That(_world.Describe(), Is.Empty, "nobody held any");
    });

    [TestCase("throttle-group=g,throttle-parent=p,limits.iops-total=1")]
    [TestCase("throttle-parent=p,share.weight=2")]
    public void Opening_that_fails_anywhere_leaves_neither_group_nor_reference(string options) => _world.Run(async () =>
    {
        int failures = 0;
        for (bool isOpen = false; !isOpen;)
        {
            _world.Groups.CreateObject("p", ThrottleFixture.Iops(100));
            _world.Steps.Clear();
            _world.OnStep = step => _ = step == failures ? throw new BlockException("planted") : 0;
            try
            {
                await using BlockBackend backend = await _world.OpenAsync("t", options);
                isOpen = true;
            }
            catch (BlockException error) when (error.Message.Contains("planted", StringComparison.Ordinal))
            {
                failures++;
            }

            _world.OnStep = null;
            Assert.That(_world.Describe(), Is.EqualTo("p(0): iops-total=100"), $"after step {failures}");
            _world.Groups.DeleteObject("p");
        }

        Assert.That(failures, Is.GreaterThan(2), "steps that were made to fail");
    });

    // backend -> t -> memory, in p itself, with ten a second; meanwhile a node is opened below p, or fails to be.
    [TestCase("throttle-group=g,throttle-parent=p,limits.iops-total=1000", 0)]
    [TestCase("throttle-group=g,throttle-parent=p,limits.iops-total=1,limits.iops-read=1", 3)]
    [TestCase("throttle-group=g,throttle-parent=p,limits.iops-total=1000,file=nope", 3)]
    public void Whoever_waits_in_the_parent_is_not_disturbed(string options, int failuresExpected) => _world.Run(async () =>
    {
        _world.Groups.CreateObject("p", ThrottleFixture.Iops(10));
        await using BlockBackend backend = await _world.OpenAsync("t", "throttle-group=p");
        long startNs = _world.World.Context.NowNs;
        int failures = 0;
        List<long> instants = [];
        Task all = Task.WhenAll(Enumerable.Range(0, 6).Select(_ => ReadAsync(backend, instants)));
        for (int i = 0; i < 3; i++)
        {
            await _world.World.Context.DelayAsync(90 * Ms);
            try
            {
                await using BlockBackend below = await _world.OpenAsync("u", options);
            }
            catch (BlockException)
            {
                failures++;
            }

            Assert.That(_world.Describe(), Is.EqualTo("p(1): iops-total=10"), "nothing is left of it");
        }

        await all;
        Assert.That(failures, Is.EqualTo(failuresExpected), "how often it has failed");
        Assert.That(instants.Select(instant => (double)(instant - startNs) / Ms), Is.EqualTo(new double[] { 0, 0, 100, 200, 300, 400 }).Within(0.001), "at the pace of the parent");
    });

    [Test]
    public void A_node_is_not_moved_away_from_below_its_parent() => _world.Run(async () =>
    {
        _world.Groups.CreateObject("p", ThrottleFixture.Iops(100));
        _world.Groups.CreateObject("h", ThrottleFixture.Iops(50));
        _world.Groups.CreateObject("q", ThrottleFixture.Iops(20), parentName: "p");
        await using BlockBackend backend = await _world.OpenAsync("t", "throttle-parent=p,limits.iops-total=10");
        string before = _world.Picture();
        Assert.That(await _world.RefusedAsync(_world.Reopen("t", "throttle-group=h")), Is.EqualTo("Throttle group 'h' has no parent, not 'p'"), "elsewhere");
        Assert.That(await _world.RefusedAsync(_world.Reopen("t", "", isWhole: true)), Is.EqualTo("Option 'throttle-parent' cannot be reset to its default value"), "to the top");
        Assert.That(_world.Picture(), Is.EqualTo(before), "it has stayed");
        await _world.ReopenAsync("t", "throttle-group=q");
        Assert.That(_world.Describe(), Is.EqualTo("p(0): iops-total=100; h(0): iops-total=50; q(1): iops-total=20"), "beside it");
        await _world.ReopenAsync("t", "throttle-group=new,limits.iops-total=5");
        Assert.That((_world.Member("t").Group.Name, _world.Member("t").Group.Parent?.Name), Is.EqualTo(("new", "p")), "into a new one, also below");
    });

    private static async Task ReadAsync(BlockBackend backend, List<long> instants)
    {
        await backend.ReadAsync(0, new byte[512]);
        instants.Add(backend.Context.NowNs);
    }
}
