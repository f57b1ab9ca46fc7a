using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>Changes of length, statement by statement of the reference: the refusals, who does the work, who waits.</summary>
[TestFixture]
public sealed class LengthRequestTests : GraphTests
{
    private readonly HidingOverlayDriver _hiding = new();

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), _hiding]);

    [SetUp]
    public void Clear() => _hiding.Flags.Clear();

    [TestCase(-1, BlockErrorKind.InvalidArgument, "Image size cannot be negative")]
    [TestCase(long.MaxValue, BlockErrorKind.TooLarge, "Image size 9223372036854775807 is too large: the largest is 9223372035781033984")]
    public void A_length_that_no_image_has_is_refused(long length, BlockErrorKind kind, string text) => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=scripted,node-name=disk");
        BlockException error = await Failure.OfAsync(() => backend.TruncateAsync(length));
        Assert.That((error.Kind, error.Message), Is.EqualTo((kind, text)), "the refusal");
        Assert.That(disk.Lengths, Is.Empty, "the driver was not asked");
    });

    [Test]
    public void An_empty_drive_has_no_length_to_change() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        BlockException error = await Failure.OfAsync(() => backend.TruncateAsync(0));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NoMedium, "No medium inserted")), "the refusal");
    });

    [Test]
    public void A_read_only_image_keeps_its_length() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.driver=scripted,file.node-name=disk,read-only=on", new BackendOptions { ReadOnly = true });
        BlockException error = await Failure.OfRequestAsync(() => backend.RootEdge!.WriteLengthAsync(0, true, PreallocationMode.Off, RequestFlags.None, default));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.AccessDenied, "Image is read-only")), "the refusal");
    });

    [Test]
    public void A_driver_that_cannot_resize_says_so() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode _) = await OpenAsync("driver=scripted,node-name=disk", canResize: false);
        BlockException error = await Failure.OfAsync(() => backend.TruncateAsync(4096));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Image format driver does not support resize")), "the refusal");
        Assert.That(backend.LengthBytes, Is.EqualTo(1 << 20), "the length");
    });

    [TestCase("driver=scripted,node-name=disk", 0)]
    [TestCase("driver=pass-through,file.driver=pass-through,file.file.driver=scripted,file.file.node-name=disk", 0, Description = "filters forward")]
    [TestCase("driver=raw,offset=4096,file.driver=scripted,file.node-name=disk", 4096, Description = "a window moves")]
    public void A_resize_reaches_the_driver_with_all_that_was_asked_for(string options, long shift) => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync(options);
        foreach (PreallocationMode mode in Enum.GetValues<PreallocationMode>())
        {
            long length = backend.LengthBytes + 4096;
            await backend.TruncateAsync(length, preallocation: mode);
            Assert.That(disk.Lengths[^1], Is.EqualTo(new ScriptedLength(length + shift, mode, RequestFlags.None)), "the driver's length, mode and flags");
            Assert.That(backend.LengthBytes, Is.EqualTo(length), "and everybody above knows");
        }
    });

    [TestCase(1 << 19, 1 << 21, RequestFlags.None, Description = "shorter")]
    [TestCase(1 << 21, 1 << 20, RequestFlags.None, Description = "longer, over a backing node no longer than it was")]
    [TestCase(1 << 21, (1 << 20) + 1, RequestFlags.ZeroWrite, Description = "longer, over a longer one")]
    public void What_a_longer_backing_node_has_is_to_be_hidden(long length, int backingBytes, RequestFlags flags) => Fixture.Run(async () =>
    {
        // blk -> top -> base
        Fixture.Memory.Storage("base", backingBytes);
        BlockBackend backend = await Fixture.OpenAsync("driver=hiding,node-name=top,backing.driver=memory,backing.filename=base");
        await backend.TruncateAsync(length);
        Assert.That(_hiding.Flags, Is.EqualTo(new[] { flags }), "what the driver was asked for");
    });

    [Test]
    public void Who_is_asked_for_flags_that_the_driver_has_not_refuses_before_anything_happens() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=pass-through,file.driver=scripted,file.node-name=disk", new BackendOptions { CanResize = true });
        BlockException error = await Failure.OfRequestAsync(() => backend.RootEdge!.WriteLengthAsync(1 << 21, true, PreallocationMode.Off, RequestFlags.ZeroWrite, default));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Block driver does not support requested flags")), "a filter has its child's");
        disk.SupportedLengthFlags = RequestFlags.ZeroWrite;
        await backend.RootEdge!.WriteLengthAsync(1 << 21, true, PreallocationMode.Off, RequestFlags.ZeroWrite, default);
        Assert.That(disk.Lengths, Is.EqualTo(new[] { new ScriptedLength(1 << 21, PreallocationMode.Off, RequestFlags.ZeroWrite) }), "with them it goes through");
    });

    [TestCase("metadata")]
    [TestCase("falloc")]
    [TestCase("full")]
    public void A_format_refuses_what_it_cannot_allocate(string mode) => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(64 * 1024));
        byte[] before = [.. Fixture.Memory.Storage("disk").Bytes];
        BlockBackend backend = await Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=disk");
        PreallocationMode preallocation = Enum.GetValues<PreallocationMode>().Single(m => m.ToName() == mode);
        BlockException error = await Failure.OfAsync(() => backend.TruncateAsync(128 * 1024, preallocation: preallocation));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, $"Unsupported preallocation mode: {mode}")), "the refusal");
        Assert.That((backend.LengthBytes, Fixture.Memory.Storage("disk").Bytes.SequenceEqual(before)), Is.EqualTo((64 * 1024, true)), "nothing has changed");
    });

    [Test]
    public void The_area_between_the_lengths_is_nobody_elses_meanwhile() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=scripted,node-name=disk");
        CoQueue gate = new();
        disk.Resizing = _ => gate.WaitAsync();
        Task shrinking = backend.TruncateAsync(4096);
        await SettleAsync();
        Task cut = backend.ReadAsync(8192, new byte[512]).AsTask();
        Task kept = backend.ReadAsync(0, new byte[512]).AsTask();
        await SettleAsync();
        Assert.That((cut.IsCompleted, kept.IsCompleted), Is.EqualTo((false, true)), "who reads what is cut off waits, who reads what stays does not");
        gate.WakeAll();
        await shrinking;
        await cut;
    });

    [Test]
    public void A_resize_waits_for_requests_in_the_area() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=scripted,node-name=disk");
        disk.Hold(RequestKind.Write);
        Task inside = backend.WriteAsync(8192, new byte[512]).AsTask();
        Task apart = backend.WriteAsync(0, new byte[512]).AsTask();
        Task shrinking = backend.TruncateAsync(4096);
        await SettleAsync();
        Assert.That(disk.Lengths, Is.Empty, "a write to what is cut off is under way");
        disk.Pending.Single(p => p.Offset == 8192).Succeed();
        await inside;
        await shrinking;
        Assert.That((apart.IsCompleted, disk.Lengths.Count), Is.EqualTo((false, 1)), "one elsewhere does not matter");
        disk.SucceedAll();
        await apart;
    });

    [Test]
    public void A_resize_that_fails_leaves_the_length() => Fixture.Run(async () =>
    {
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=raw,file.driver=scripted,file.node-name=disk");
        disk.Resizing = _ => throw new BlockException(BlockErrorKind.NoSpace, "full");
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(1 << 21, preallocation: PreallocationMode.Falloc))).Message, Is.EqualTo("full"), "the driver's own words");
        Assert.That((backend.LengthBytes, backend.Root!.FileChild!.LengthBytes), Is.EqualTo((1L << 20, 1L << 20)), "the lengths");
        disk.Resizing = null;
        await backend.TruncateAsync(1 << 21);
        Assert.That(backend.LengthBytes, Is.EqualTo(1 << 21), "another one succeeds");
    });

    [Test]
    public void A_resize_that_another_user_relies_against_is_refused() => Fixture.Run(async () =>
    {
        // blk -> disk <- other, which shares no resize
        (BlockBackend backend, ScriptedNode disk) = await OpenAsync("driver=scripted,node-name=disk", new BackendOptions { ShareWrite = true });
        BlockNode node = Fixture.Graph.FindNode("disk")!;
        await Fixture.AddAsync("driver=any-role,node-name=other,file=disk,role=data");
        BlockException error = await Failure.OfAsync(() => backend.TruncateAsync(4096, preallocation: PreallocationMode.Falloc));
        Assert.That(error.Message, Does.StartWith("Permission conflict on node 'disk': permissions 'resize' are both required by an unnamed block device"), "the conflict");
        Assert.That((disk.Lengths.Count, node.LengthBytes), Is.EqualTo((0, 1L << 20)), "nothing has changed");
    });

    private async Task<(BlockBackend Backend, ScriptedNode Disk)> OpenAsync(string options, BackendOptions? backend = null, bool canResize = true)
    {
        BlockBackend opened = await Fixture.OpenAsync(options, backend);
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        disk.CanResize = canResize;
        return (opened, disk);
    }

    private async Task SettleAsync()
    {
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
