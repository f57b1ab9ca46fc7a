using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>What a backend asks of its medium, now and of the next one.</summary>
[TestFixture]
public sealed class BackendPermissionTests : BackendTests
{
    private static readonly PermissionSet s_reading = new(BlockPermissions.ConsistentRead, BlockPermissions.All);
    private static readonly PermissionSet s_writing = new(BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.All);

    [TestCase("9lives", "Invalid device name")]
    [TestCase("", "Invalid device name")]
    [TestCase("drive", "Device with id 'drive' already exists")]
    [TestCase("n", "Device name 'n' conflicts with an existing node name")]
    public void A_name_must_be_well_formed_and_free(string name, string message) => Fixture.Run(async () =>
    {
        await using BlockBackend first = await OpenMemoryAsync(new BackendOptions { Name = "drive" });
        Assert.That((await Failure.OfAsync(() => Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = name }))).Message, Is.EqualTo(message), "the text");
        Assert.That(Fixture.Graph.Backends, Has.Count.EqualTo(1), "no backend is left");
    });

    [Test]
    public void Permissions_that_conflict_leave_the_old_ones() => Fixture.Run(async () =>
    {
        await using BlockBackend writer = await OpenMemoryAsync();
        BlockBackend reader = await Fixture.Graph.AttachBackendAsync(writer.Root!, new BackendOptions { Permissions = s_reading });
        Assert.That((await Failure.OfAsync(() => reader.SetPermissionsAsync(s_writing))).Message, Does.StartWith("Permission conflict on node 'n'"), "refused");
        Assert.That((reader.Permissions, reader.RootEdge!.Permissions, reader.IsReadOnly), Is.EqualTo((s_reading, s_reading, true)), "as it was");
        await writer.SetPermissionsAsync(s_writing);
        await reader.SetPermissionsAsync(s_writing);
        Assert.That((reader.Permissions, reader.RootEdge!.Permissions, reader.IsReadOnly), Is.EqualTo((s_writing, s_writing, false)), "granted");
        await reader.DisposeAsync();
    });

    [Test]
    public void An_empty_backend_asks_for_its_permissions_when_a_medium_comes() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n,read-only=on");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        Assert.That((await Failure.OfAsync(() => backend.InsertAsync(node))).Message, Is.EqualTo("Block node is read-only"), "it wants to write");
        await backend.SetPermissionsAsync(s_reading);
        await backend.InsertAsync(node);
        Assert.That(backend.RootEdge!.Permissions, Is.EqualTo(s_reading), "no more");
    });

    [Test]
    public void An_inactive_medium_is_asked_for_nothing_until_it_is_active() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { Permissions = s_reading });
        backend.Root!.IsInactive = true;
        await backend.SetPermissionsAsync(s_writing);
        Assert.That((backend.Permissions, backend.RootEdge!.Permissions), Is.EqualTo((s_writing, s_reading)), "remembered, not asked for");
        backend.Root!.IsInactive = false;
    });

    [Test]
    public void The_last_of_several_changes_of_permission_holds() => Fixture.Run(async () =>
    {
        // The first gives up the right to write, and waits for the write; the second does not wait.
        BlockBackend backend = await OpenScriptedAsync();
        PermissionSet own = backend.Permissions;
        Task flying = backend.WriteAsync(0, new byte[1]).AsTask();
        Task first = backend.SetPermissionsAsync(s_reading);
        Task second = backend.SetPermissionsAsync(own);
        await SettleAsync();
        Assert.That((first.IsCompleted, backend.Permissions), Is.EqualTo((false, own)), "a write under way is finished first");
        Fixture.Scripted.Pending.Single().Succeed();
        await Task.WhenAll(flying, first, second);
        Assert.That(backend.RootEdge!.Permissions, Is.EqualTo(backend.Permissions), "what it says is what it has");
    });

    [Test]
    public void A_truncation_needs_to_resize_only_while_it_lasts() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        PermissionSet own = backend.Permissions;
        Task[] truncations;
        await using (await backend.DrainAsync())
        {
            truncations = [backend.TruncateAsync(1 << 19), backend.TruncateAsync(1 << 18)];
            await SettleAsync();
            Assert.That(backend.RootEdge!.Permissions.Required & BlockPermissions.Resize, Is.Not.EqualTo(BlockPermissions.None), "held back, it has the right already");
            Assert.That(backend.Permissions, Is.EqualTo(own), "which the backend never asked for itself");
            await backend.SetPermissionsAsync(s_writing);
            Assert.That(backend.RootEdge!.Permissions.Required & BlockPermissions.Resize, Is.Not.EqualTo(BlockPermissions.None), "nor loses by asking for something else");
        }

        await Task.WhenAll(truncations);
        Assert.That((backend.Permissions, backend.RootEdge!.Permissions), Is.EqualTo((s_writing, s_writing)), "and it keeps what was asked for meanwhile");
        Assert.That(backend.LengthBytes, Is.AnyOf(1 << 19, 1 << 18), "the last length");
    });

    [Test]
    public void A_truncation_that_a_drain_holds_back_is_refused_where_the_image_was_handed_over_meanwhile() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        Task truncation;
        await using (await backend.DrainAsync())
        {
            truncation = backend.TruncateAsync(4096);
            await Fixture.Context.DelayAsync(1000);
            Assert.That(truncation.IsCompleted, Is.False, "held back");
            await Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(node));
        }

        BlockException error = await Failure.OfAsync(() => truncation);
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotPermitted, "Block node is read-only: no resize through 'n'")), "the refusal");
        Assert.That(node.LengthBytes, Is.EqualTo(1L << 20), "as long as before");
    });

    [Test]
    public void A_truncation_that_others_rely_against_is_refused() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        BlockBackend other = await Fixture.Graph.AttachBackendAsync(backend.Root!, new BackendOptions { Permissions = s_reading with { Shared = BlockPermissions.All & ~BlockPermissions.Resize } });
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(4096))).Message, Does.Contain("'resize'").Or.Contain("resize"), "refused");
        Assert.That((backend.LengthBytes, backend.RootEdge!.Permissions), Is.EqualTo((1L << 20, backend.Permissions)), "as it was");
        await other.DisposeAsync();
        await backend.RemoveAsync();
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(4096))).Message, Is.EqualTo("No medium inserted"), "nothing to truncate");
    });
}
