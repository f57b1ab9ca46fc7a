using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;

namespace BlockGraph.BlockCore.Tests.Permissions;

/// <summary>What a node needs of its children by default, from their roles and its own users' needs.</summary>
[TestFixture]
public sealed class ChildPermissionTests : GraphTests
{
    private const BlockPermissions Read = BlockPermissions.ConsistentRead;
    private const BlockPermissions Write = BlockPermissions.Write;
    private const BlockPermissions Unchanged = BlockPermissions.WriteUnchanged;
    private const BlockPermissions Resize = BlockPermissions.Resize;
    private const BlockPermissions All = BlockPermissions.All;

    // role | read-only | users' required, shared | child's required, shared
    [TestCase("filtered", "off", Read | Write, Read, Read | Write, Read)]
    [TestCase("filtered", "on", Read, All, Read, All)]
    [TestCase("filtered", "off", BlockPermissions.None, BlockPermissions.None, BlockPermissions.None, BlockPermissions.None)]
    [TestCase("data", "off", Read, All, Read, All & ~Resize)]
    [TestCase("data", "off", Write, All, Write | Resize, All & ~Resize)]
    [TestCase("data", "off", Unchanged, All, Unchanged | Write | Resize, All & ~Resize)]
    [TestCase("metadata", "off", BlockPermissions.None, All, Read | Write | Resize, Read | Unchanged)]
    [TestCase("metadata", "on", BlockPermissions.None, All, Read, Read | Unchanged)]
    [TestCase("image", "off", BlockPermissions.None, All, Read | Write | Resize, Read | Unchanged)]
    [TestCase("image", "on", Read, Read, Read, Read)]
    public void A_child_is_needed_for_what_its_role_says(string role, string readOnly, BlockPermissions required, BlockPermissions shared, BlockPermissions childRequired, BlockPermissions childShared) => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync($"driver=any-role,node-name=n,role={role},read-only={readOnly},file.driver=memory,file.filename=disk");
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Permissions = new PermissionSet(required, shared) });
        Assert.That(node.FileChild!.Permissions, Is.EqualTo(new PermissionSet(childRequired, childShared)), "the edge to the child");
    });

    [TestCase(Read | Write, All, Read, All)]
    [TestCase(Read | Write, Read, Read, Read | Unchanged)]
    [TestCase(Write, All & ~Write, BlockPermissions.None, Read | Unchanged)]
    public void A_child_below_is_only_read_and_may_change_if_the_users_tolerate_it(BlockPermissions required, BlockPermissions shared, BlockPermissions childRequired, BlockPermissions childShared) => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=any-role,node-name=n,file.driver=memory,file.filename=disk,backing.driver=memory,backing.filename=base");
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Permissions = new PermissionSet(required, shared) });
        Assert.That(node.FindChild("backing")!.Permissions, Is.EqualTo(new PermissionSet(childRequired, childShared)), "the edge to the backing node");
    });

    [Test]
    public void A_node_without_users_needs_nothing_of_a_filtered_child() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=pass-through,node-name=n,file.driver=memory,file.filename=disk");
        Assert.That(node.FileChild!.Permissions, Is.EqualTo(PermissionSet.Unused), "nothing, and shares all");
        Assert.That(node.CumulativePermissions, Is.EqualTo(PermissionSet.Unused), "its own users");
    });

    [Test]
    public void A_driver_may_need_other_things_than_the_default() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=no-permission,file.driver=memory,file.filename=disk");
        Assert.That(backend.Root!.FileChild!.Permissions, Is.EqualTo(PermissionSet.Unused), "whatever the users need");
    });

    [Test]
    public void The_needs_of_several_users_add_up() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=pass-through,node-name=n,file.driver=memory,file.filename=disk");
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Permissions = new PermissionSet(Read, All & ~Resize) });
        await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Permissions = new PermissionSet(Write, All & ~Unchanged) });
        Assert.That(node.FileChild!.Permissions, Is.EqualTo(new PermissionSet(Read | Write, Read | Write)), "needs together, tolerance of both");
    });

    [TestCase(Read, Write, Read | Write, Read)]
    public void Sets_compare(BlockPermissions a, BlockPermissions b, BlockPermissions both, BlockPermissions conflict)
    {
        PermissionSet first = new(a, b);
        PermissionSet second = new(b, b);
        Assert.That(first.CombineWith(second), Is.EqualTo(new PermissionSet(both, b)), "together");
        Assert.That(first.ConflictsWith(second), Is.EqualTo(conflict), "what the second does not tolerate");
        Assert.That(PermissionSet.Unused.IsNoStricterThan(first), Is.True, "nothing is no stricter than something");
        Assert.That(first.IsNoStricterThan(PermissionSet.Unused), Is.False, "but not the other way round");
    }

    [TestCase(BlockPermissions.None, "")]
    [TestCase(Read, "consistent read")]
    [TestCase(Write | Resize, "write, resize")]
    [TestCase(All, "consistent read, write, write unchanged, resize")]
    public void Permissions_have_fixed_names_in_a_fixed_order(BlockPermissions permissions, string text) =>
        Assert.That(permissions.ToText(), Is.EqualTo(text), "the text");

    [TestCase(ChildRole.Image, new[] { "data", "metadata", "primary" })]
    [TestCase(ChildRole.Filtered | ChildRole.Primary, new[] { "filtered", "primary" })]
    [TestCase(ChildRole.Cow, new[] { "cow" })]
    [TestCase(ChildRole.None, new string[0])]
    public void Roles_have_names(ChildRole role, string[] names) => Assert.That(role.Names(), Is.EqualTo(names), "the names");

    [TestCase(ChildRole.Filtered | ChildRole.Data)]
    [TestCase(ChildRole.Filtered | ChildRole.Metadata)]
    [TestCase(ChildRole.Filtered | ChildRole.Cow)]
    [TestCase(ChildRole.Cow | ChildRole.Primary)]
    [TestCase(ChildRole.Cow | ChildRole.Data)]
    public void Roles_that_exclude_each_other_are_a_bug(ChildRole role) =>
        Assert.That(() => role.Validate(), Throws.TypeOf<InvariantViolationException>(), role.ToString());
}
