using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Opening blkdebug: what is refused and how, names, permissions, other options.</summary>
[TestFixture]
public sealed class BlkdebugOpeningTests : BlkdebugFixture
{
    [TestCase("inject-error.0.event=foo", "Parameter 'inject-error.0.event' does not accept value 'foo'")]
    [TestCase("inject-error.0.errno=5", "Parameter 'inject-error.0.event' is missing")]
    [TestCase("inject-error.0.event=none,inject-error.0.foo=1", "Block protocol 'blkdebug' doesn't support the option 'inject-error.0.foo'")]
    [TestCase("inject-error.0.event=none,inject-error.0.onze=1", "Block protocol 'blkdebug' doesn't support the option 'inject-error.0.onze' (did you mean 'inject-error.0.once'?)")]
    [TestCase("inject-error.0.event=none,inject-error.0.state=x", "Parameter 'inject-error.0.state' expects a number")]
    [TestCase("inject-error.0.event=none,inject-error.0.iotype=foo", "Parameter 'inject-error.0.iotype' does not accept value 'foo'")]
    [TestCase("inject-error.0.event=none,inject-error.0.once=foo", "Parameter 'inject-error.0.once' expects 'on' or 'off'")]
    [TestCase("inject-error.0.event=none,inject-error.0.immediately=foo", "Parameter 'inject-error.0.immediately' expects 'on' or 'off'")]
    [TestCase("inject-error.0.event=none,inject-error.0.errno=x", "Parameter 'inject-error.0.errno' expects a number")]
    [TestCase("inject-error.0.event=none,inject-error.1.event=none,inject-error.1.errno=-5", "inject-error.1.errno value must be in the range [0, 4095]")]
    [TestCase("inject-error.0.event=none,inject-error.0.sector=x", "Parameter 'inject-error.0.sector' expects a number")]
    [TestCase("inject-error.0.event=none,inject-error.0.sector=-2", "inject-error.0.sector value must be -1 or a sector number")]
    [TestCase("inject-error.1.event=none", "Parameter 'inject-error.0' missing")]
    [TestCase("inject-error=foo", "Invalid parameter type for 'inject-error', expected: array")]
    [TestCase("inject-error.event=none", "Block protocol 'blkdebug' doesn't support the option 'inject-error.event' (did you mean 'inject-error'?)")]
    [TestCase("inject-error.0=foo", "Block protocol 'blkdebug' doesn't support the option 'inject-error.0'")]
    [TestCase("set-state.0.event=none", "Parameter 'set-state.0.new_state' is missing")]
    [TestCase("set-state.0.event=none,set-state.0.new_state=x", "Parameter 'set-state.0.new_state' expects a number")]
    [TestCase("set-state.0.event=foo,set-state.0.new_state=2", "Parameter 'set-state.0.event' does not accept value 'foo'")]
    [TestCase("set-state.0.event=none,set-state.0.new-state=2", "Block protocol 'blkdebug' doesn't support the option 'set-state.0.new-state' (did you mean 'set-state.0.new_state'?)")]
    [TestCase("take-child-perms.0=foo", "Parameter 'take-child-perms.0' does not accept value 'foo'")]
    [TestCase("take-child-perms=write", "Invalid parameter type for 'take-child-perms', expected: array")]
    [TestCase("unshare-child-perms.0=foo", "Parameter 'unshare-child-perms.0' does not accept value 'foo'")]
    [TestCase("unshare-child-perms.1=write", "Parameter 'unshare-child-perms.0' missing")]
    [TestCase("align=x", "Parameter 'align' expects a non-negative number below 2^64")]
    [TestCase("max-transfer=x", "Parameter 'max-transfer' expects a non-negative number below 2^64")]
    [TestCase("foo=bar", "Block protocol 'blkdebug' doesn't support the option 'foo'")]
    [TestCase("filename=disk", "Block protocol 'blkdebug' doesn't support the option 'filename'")]
    public void A_bad_option_is_refused_by_name_and_leaves_nothing(string options, string text) => Fixture.Run(async () =>
    {
        BlockException refusal = await Failure.OfAsync(() => OpenAsync(options));
        Assert.That(refusal.Message, Is.EqualTo(text), "the text");
        Assert.That(Graph.Nodes, Is.Empty, "no node is left");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the storage is closed");
    });

    [TestCase("driver=blkdebug", "A block device must be specified for \"image\"")]
    [TestCase("filename=blkdebug:", "blkdebug requires both config file and image path")]
    [TestCase("filename=blkdebug:memory", "blkdebug requires both config file and image path")]
    [TestCase("filename=blkdebug:missing.conf:memory:disk", "Could not read blkdebug config file: No such file or directory")]
    public void Without_an_image_there_is_nothing(string options, string text) => Fixture.Run(async () =>
    {
        Assert.That((await Failure.OfAsync(() => Fixture.OpenAsync(options))).Message, Is.EqualTo(text), "the text");
        Assert.That(Graph.Nodes, Is.Empty, "no node is left");
    });

    // The format is found above blkdebug, not below: raw -> blkdebug -> memory, in both profiles.
    [TestCase("own")]
    [TestCase("qemu")]
    public void A_file_name_puts_it_between_a_format_and_its_file(string profile)
    {
        using GraphFixture fixture = NewFixture(profile == "qemu" ? CompatibilityProfile.Qemu : CompatibilityProfile.Own);
        string config = MakeFile("rules", "[inject-error]\nevent = \"none\"\niotype = \"flush\"\nonce = \"on\"\n");
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await fixture.Graph.OpenAsync(CommandOptions.Read($"blkdebug:{config}:memory:disk"), new BackendOptions());
            BlockNode debug = backend.Root!.FileChild!.Node;
            Assert.That(backend.Root.Driver.Name, Is.EqualTo("raw"), "the format was probed");
            Assert.That(debug.Driver.Name, Is.EqualTo("blkdebug"), "over blkdebug");
            Assert.That(debug.FindChild("image")!.Node.Driver.Name, Is.EqualTo("memory"), "over the storage itself");
            await backend.WriteAsync(0, new byte[1]);
            await Failure.OfRequestAsync(() => backend.FlushAsync());
        });
    }

    [Test]
    public void An_inline_image_without_a_driver_is_plain_storage_as_in_qemu() => Fixture.Run(async () =>
    {
        "MAGICFMT"u8.CopyTo(Fixture.Memory.Storage("disk").Bytes);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=blkdebug,image.filename=memory:disk");
        Assert.That(backend.Root!.Children[0].Node.Driver.Name, Is.EqualTo("memory"), "not probed: the format belongs above");
        await using BlockBackend above = await Fixture.OpenAsync("file.driver=blkdebug,file.image.filename=memory:disk", new BackendOptions { ReadOnly = true, ShareWrite = true });
        Assert.That(above.Root!.Driver.Name, Is.EqualTo("magic"), "and is found there");
    });

    [Test]
    public void Its_name_says_everything_or_is_a_tree() => Fixture.Run(async () =>
    {
        string image = MakeFile("a.img", new string('x', 4096));
        string config = MakeFile("rules", "");
        Assert.That(await NameOfAsync($"driver=blkdebug,read-only=on,image.driver=file,image.filename={image}"), Is.EqualTo($"blkdebug::{image}"), "an image");
        Assert.That(await NameOfAsync($"driver=blkdebug,read-only=on,config={config},image.driver=raw,image.file.driver=file,image.file.filename={image}"), Is.EqualTo($"blkdebug:{config}:{image}"), "a config file");
        Assert.That(await NameOfAsync($"driver=blkdebug,read-only=on,take-child-perms.0=consistent-read,image.driver=null-co"), Is.EqualTo("blkdebug::null-co://"), "permissions are no part of it");
        string tree = await NameOfAsync($"driver=blkdebug,read-only=on,align=512,inject-error.0.event=l2_load,image.driver=file,image.filename={image}");
        Assert.That(tree, Does.StartWith("json:").And.Contain("\"inject-error.0.event\": \"l2_load\"").And.Contain("\"align\": \"512\""), "more");
        await using BlockBackend again = await Graph.OpenAsync(CommandOptions.Read(tree), new BackendOptions { ReadOnly = true });
        Assert.That(again.Root!.Limits.RequestAlignmentBytes, Is.EqualTo(512), "opened again");
    });

    // take, unshare | child's required and shared, under a user that reads and shares all
    [TestCase("", "", BlockPermissions.ConsistentRead, BlockPermissions.All)]
    [TestCase("take-child-perms.0=write,take-child-perms.1=resize", "", BlockPermissions.ConsistentRead | BlockPermissions.Write | BlockPermissions.Resize, BlockPermissions.All)]
    [TestCase("", "unshare-child-perms.0=write-unchanged,unshare-child-perms.1=consistent-read", BlockPermissions.ConsistentRead, BlockPermissions.Write | BlockPermissions.Resize)]
    public void Permissions_are_taken_and_denied_as_asked(string take, string unshare, BlockPermissions required, BlockPermissions shared) => Fixture.Run(async () =>
    {
        string options = string.Join(',', new[] { take, unshare }.Where(o => o.Length > 0));
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=blkdebug,image.driver=memory,image.filename=disk" + (options.Length == 0 ? "" : "," + options), new BackendOptions { ReadOnly = true });
        Assert.That(backend.Root!.Children[0].Permissions, Is.EqualTo(new PermissionSet(required, shared)), "the edge to the image");
    });

    [Test]
    public void Typed_options_and_an_empty_list_are_taken() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Graph.OpenAsync(JsonOptions.Parse(
            """{"driver": "blkdebug", "align": 512, "set-state": [], "inject-error": [{"event": "none", "errno": 28, "iotype": "read", "once": true}], "take-child-perms": ["resize"], "image": {"driver": "memory", "filename": "disk"}}"""));
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[512]))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the rule");
        await backend.ReadAsync(0, new byte[512]);
    });

    [TestCase("align=0x200", null)]
    [TestCase("align=4096", "Cannot change the option 'align'")]
    [TestCase("inject-error.0.event=l2_load,inject-error.0.errno=0x5", null)]
    [TestCase("inject-error.0.errno=6", "Cannot change the option 'inject-error.0.errno'")]
    [TestCase("inject-error.1.event=none", "Cannot change the option 'inject-error.1.event'")]
    [TestCase("read-only=on", null)]
    public void It_can_be_reopened_with_nothing_but_generic_options_changed(string change, string? text) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=blkdebug,align=512,inject-error.0.event=l2_load,inject-error.0.errno=5,image.driver=null-co", new BackendOptions { ReadOnly = true });
        Task reopening = Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options(change)));
        if (text is null)
        {
            await reopening;
        }
        else
        {
            Assert.That((await Failure.OfAsync(() => reopening)).Message, Is.EqualTo(text), "why");
        }

        Assert.That(backend.Root!.IsReadOnly, Is.EqualTo(change == "read-only=on"), "read-only");
    });

    [Test]
    public void A_rule_that_is_left_out_of_a_reopen_cannot_go() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=blkdebug,inject-error.0.event=l2_load,image.driver=null-co", new BackendOptions { ReadOnly = true });
        Task reopening = Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, new OptionsDictionary { { "driver", "blkdebug" } }, keepsOld: false));
        Assert.That((await Failure.OfAsync(() => reopening)).Message, Is.EqualTo("Option 'inject-error.0.event' cannot be reset to its default value"), "why");
    });

    [Test]
    public void A_resize_goes_to_the_image() => Fixture.Run(async () =>
    {
        string image = MakeFile("a.img", new string('x', 4096));
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=blkdebug,align=512,image.driver=file,image.filename={image}", new BackendOptions { CanResize = true });
        await backend.TruncateAsync(8192);
        Assert.That((backend.LengthBytes, new FileInfo(image).Length), Is.EqualTo((8192, 8192)), "both are longer");
    });

    private async Task<string> NameOfAsync(string options)
    {
        await using BlockBackend backend = await Fixture.OpenAsync(options, new BackendOptions { ReadOnly = true });
        return backend.Root!.ShownFileName;
    }
}
