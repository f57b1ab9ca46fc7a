using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>
/// Copy on read as a backend has it: switched on and off, refused, along with its medium.
/// <code>
///   backend
///      |
///     top (cow) => base (memory, 16 KiB of sevens)
/// </code>
/// </summary>
[TestFixture]
public sealed class BackendCopyOnReadTests : GraphTests
{
    private const int Cluster = 4096;
    private const string Top = "driver=cow,node-name=top,file.driver=memory,file.filename=top,file.latency-ns-max=5000,backing.driver=memory,backing.node-name=base,backing.filename=base";

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    [Test]
    public void It_is_an_option_of_a_drive_and_asks_for_the_permission()
    {
        OptionsDictionary options = GraphFixture.Options("id=drive0,copy-on-read=on,driver=memory,filename=disk");
        BackendOptions backend = BackendOptions.TakeFrom(options);
        Assert.That((backend.Name, backend.CopyOnRead, options.ContainsKey("copy-on-read")), Is.EqualTo(("drive0", true, false)), "taken out of the options");
        Assert.That(BackendOptions.TakeFrom(GraphFixture.Options("driver=memory")).CopyOnRead, Is.False, "off by default");
        Assert.That(Assert.Throws<BlockException>(() => BackendOptions.TakeFrom(GraphFixture.Options("copy-on-read=perhaps")))!.Message, Does.Contain("'copy-on-read' expects 'on' or 'off'"), "bad value");
        Fixture.Run(async () =>
        {
            Prepare();
            await using BlockBackend reader = await Fixture.OpenAsync(Top, new BackendOptions { CopyOnRead = true, ReadOnly = true });
            Assert.That(reader.RootEdge!.Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged), "no right to write, and this one");
            Assert.That(reader.Root!.CopiesOnRead, "the node copies");
            await reader.ReadAsync(0, new byte[1]);
            Assert.That((await reader.GetStatusAsync(0, Cluster)).IsAllocated, "a cluster was copied");
        });
    }

    [Test]
    public void It_is_switched_on_and_off_while_reads_fly([Range(0, 29)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            Prepare(fixture);
            await using BlockBackend backend = await fixture.OpenAsync(Top);
            List<Task> flying = [];
            for (int i = 0; i < 4; i++)
            {
                flying.Add(ReadSometimeAsync(fixture, backend, i));
            }

            await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(20_000));
            await backend.SetCopyOnReadAsync(true);
            Assert.That(backend.RootEdge!.Permissions.Required & BlockPermissions.WriteUnchanged, Is.EqualTo(BlockPermissions.WriteUnchanged), "may write");
            await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(20_000));
            await backend.SetCopyOnReadAsync(false);
            Assert.That(backend.RootEdge!.Permissions.Required & BlockPermissions.WriteUnchanged, Is.EqualTo(BlockPermissions.None), "may not");
            int written = fixture.Memory.Storage("top").Log.Count(r => r.Kind == RequestKind.Write);
            await Task.WhenAll(flying);
            Assert.That(fixture.Memory.Storage("top").Log.Count(r => r.Kind == RequestKind.Write), Is.EqualTo(written), $"seed {seed}: nothing is copied after it is off");
        });
    }

    [Test]
    public void A_read_only_image_refuses_and_one_that_copies_stays_writable() => Fixture.Run(async () =>
    {
        Prepare();
        BlockException refusal = await Failure.OfAsync(() => Fixture.OpenAsync($"{Top},read-only=on", new BackendOptions { CopyOnRead = true }));
        Assert.That(refusal.Message, Is.EqualTo("Can't use copy-on-read on read-only device"), "at opening");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nothing is left");
        await using BlockBackend backend = await Fixture.OpenAsync(Top, new BackendOptions { CopyOnRead = true, ReadOnly = true });
        refusal = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("read-only=on"))));
        Assert.That(refusal.Message, Is.EqualTo("Can't set node 'top' to r/o with copy-on-read enabled"), "at a reopen");
        await backend.SetCopyOnReadAsync(false);
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("read-only=on")));
        refusal = await Failure.OfAsync(() => backend.SetCopyOnReadAsync(true));
        Assert.That((refusal.Message, backend.CopiesOnRead, backend.Root!.CopiesOnRead), Is.EqualTo(("Can't use copy-on-read on read-only device", false, false)), "when it is switched on");
    });

    [Test]
    public void Who_does_not_share_the_permission_is_a_conflict_and_nothing_changes() => Fixture.Run(async () =>
    {
        Prepare();
        await using BlockBackend backend = await Fixture.OpenAsync(Top, new BackendOptions { ShareWrite = true });
        await using BlockBackend other = await Fixture.Graph.AttachBackendAsync(
            backend.Root!, new BackendOptions { Permissions = new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All & ~BlockPermissions.WriteUnchanged) });
        BlockException conflict = await Failure.OfAsync(() => backend.SetCopyOnReadAsync(true));
        Assert.That(conflict.Message, Does.StartWith("Permission conflict on node 'top': permissions 'write unchanged'"), "whose");
        Assert.That((backend.CopiesOnRead, backend.Root!.CopiesOnRead), Is.EqualTo((false, false)), "off");
        await backend.ReadAsync(0, new byte[1]);
        Assert.That((await backend.GetStatusAsync(0, Cluster)).IsAllocated, Is.False, "nothing was copied");
    });

    // raw (+4096) -> raw -> top => base: the wish comes to the layer that can copy, with plans and without
    [Test]
    public void The_wish_is_handed_down_to_the_layer_that_can_copy_with_plans_and_without([Values] bool usesPlans)
    {
        using GraphFixture fixture = new(drivers: [new RawDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });
        fixture.Run(async () =>
        {
            Prepare(fixture);
            string options = "driver=raw,offset=4096,file.driver=pass-through,file.file.driver=raw," + string.Join(',', Top.Split(',').Select(o => $"file.file.file.{o}"));
            await using BlockBackend backend = await fixture.OpenAsync(options, new BackendOptions { CopyOnRead = true });
            byte[] mine = new byte[100];
            await backend.ReadAsync(50, mine);
            Assert.That(mine, Is.All.EqualTo((byte)7), "what is there");
            await using BlockBackend top = await fixture.Graph.AttachBackendAsync(fixture.Graph.FindNode("top")!, new BackendOptions { ReadOnly = true });
            Assert.That((await top.GetStatusAsync(0, Cluster)).IsAllocated, Is.False, "the cluster before the window");
            Assert.That((await top.GetStatusAsync(Cluster, 2 * Cluster)).LengthBytes, Is.EqualTo(Cluster), "one cluster");
            Assert.That((await top.GetStatusAsync(Cluster, Cluster)).IsAllocated, "is copied");
            Assert.That(backend.GetCounters(RequestKind.Read).OperationCount, Is.EqualTo(1), "one read");
            Assert.That(backend.GetCounters(RequestKind.Write).OperationCount, Is.Zero, "no write of a user's");
        });
    }

    [Test]
    public void It_goes_with_the_medium_and_with_the_edge() => Fixture.Run(async () =>
    {
        Prepare();
        BlockNode top = await Fixture.AddAsync(Top);
        CowImage.Format(Fixture.Memory.Storage("new"), new CowImageOptions(4 * Cluster));
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "drive", CopyOnRead = true });
        await backend.InsertAsync(top);
        Assert.That(top.CopiesOnRead, "with the medium");
        await Fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=cow,node-name=new,file.driver=memory,file.filename=new"), top));
        Assert.That((backend.Root!.Name, backend.Root.CopiesOnRead, top.CopiesOnRead), Is.EqualTo(("new", true, false)), "the overlay copies now");
        await backend.ReadAsync(0, new byte[1]);
        Assert.That((await backend.GetStatusAsync(0, Cluster)).IsAllocated, "into itself");
        await backend.RemoveAsync();
        Assert.That((top.CopiesOnRead, backend.CopiesOnRead), Is.EqualTo((false, true)), "the next medium will");
        await backend.SetCopyOnReadAsync(false);
        await backend.InsertAsync(top);
        Assert.That(top.CopiesOnRead, Is.False, "or not");
    });

    private void Prepare() => Prepare(Fixture);

    private static void Prepare(GraphFixture fixture)
    {
        CowImage.Format(fixture.Memory.Storage("top"), new CowImageOptions(4 * Cluster) { ClusterBytes = Cluster });
        fixture.Memory.Storage("base", 4 * Cluster).Bytes.AsSpan().Fill(7);
    }

    private static async Task ReadSometimeAsync(GraphFixture fixture, BlockBackend backend, int index)
    {
        for (int i = 0; i < 6; i++)
        {
            byte[] mine = new byte[Cluster];
            await backend.ReadAsync(index * Cluster, mine);
            Assert.That(mine, Is.All.EqualTo((byte)7), "always the same");
            await fixture.Context.DelayAsync(fixture.World.Chance.NextLong(10_000));
        }
    }
}
