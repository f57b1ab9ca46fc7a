using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Blkverify;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkverify;

/// <summary>Two images, test and raw, in which everything is done twice. Texts and permissions as QEMU 7.2 was observed to have them.</summary>
[TestFixture]
public sealed class BlkverifyTests
{
    private const int LengthBytes = 64 * 1024;
    private const string Both = "driver=blkverify,node-name=v,raw.driver=memory,raw.filename=r,raw.node-name=r,test.driver=memory,test.filename=t,test.node-name=t";
    private const BlockPermissions Read = BlockPermissions.ConsistentRead;
    private const BlockPermissions Write = BlockPermissions.Write;
    private const BlockPermissions Unchanged = BlockPermissions.WriteUnchanged;
    private const BlockPermissions Resize = BlockPermissions.Resize;
    private const BlockPermissions All = BlockPermissions.All;

    private readonly List<VerificationFailed> _events = [];
    private GraphFixture _fixture = null!;

    private MemoryStorage Raw => _fixture.Memory.Storage("r", LengthBytes);

    private MemoryStorage Test => _fixture.Memory.Storage("t", LengthBytes);

    [SetUp]
    public void SetUp()
    {
        _fixture = NewFixture(new SimulationOptions { HasExactTime = true });
        _events.Clear();
        _fixture.Graph.Events.Subscribe<VerificationFailed>(_events.Add);
        _ = (Raw, Test);
    }

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void Everything_goes_to_both() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both + ",discard=unmap,raw.zeroes=on,test.zeroes=on");
        await backend.WriteAsync(100, Filled(5, 1000), RequestFlags.WriteUnchanged);
        await backend.WriteZeroesAsync(500, 100, RequestFlags.MayUnmap);
        await backend.FlushAsync();
        byte[] read = new byte[2000];
        await backend.ReadAsync(0, read);
        Assert.That(read.Count(b => b == 5), Is.EqualTo(900), "what was read");
        MemoryRequest[] log =
        [
            new(RequestKind.Write, 100, 1000, RequestFlags.WriteUnchanged),
            new(RequestKind.WriteZeroes, 500, 100, RequestFlags.MayUnmap),
            new(RequestKind.Flush, 0, 0, RequestFlags.None),
            new(RequestKind.Read, 0, 2000, RequestFlags.None),
        ];
        Assert.That((Raw.Log, Test.Log), Is.EqualTo((log, log)), "the requests of each");
        await backend.DiscardAsync(0, 4096);
        Assert.That((Raw.Log.Count, Test.Log.Count), Is.EqualTo((4, 4)), "a discard stays above");
        Assert.That(_events, Is.Empty, "no difference");
    });

    [Test]
    public void A_read_fails_where_the_two_differ_and_says_where() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both);
        Raw.Bytes[4096] = 1;
        await backend.ReadAsync(0, new byte[4096]);
        BlockException failure = await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[65536]));
        const string text = "blkverify: read offset=0 bytes=65536 contents mismatch at offset 4096";
        Assert.That((failure.Kind, failure.Message), Is.EqualTo((BlockErrorKind.CorruptImage, text)), "the failure");
        Assert.That(_events, Is.EqualTo(new[] { new VerificationFailed("v", text) }), "the event");
        failure = await Failure.OfRequestAsync(() => backend.ReadAsync(4000, new IoVector(new IoSegments(new byte[50], new byte[100]))));
        Assert.That(failure.Message, Is.EqualTo("blkverify: read offset=4000 bytes=150 contents mismatch at offset 4096"), "into a scattered buffer too");
        await backend.WriteAsync(4096, new byte[] { 7 });
        await backend.ReadAsync(0, new byte[65536]);
    });

    // what fails in test and in raw (0: nothing) | the kind and the text of the failure
    [TestCase(RequestKind.Read, 0, 5, "read offset=512 bytes=512 return value mismatch 0 != -5")]
    [TestCase(RequestKind.Read, 28, 0, "read offset=512 bytes=512 return value mismatch -28 != 0")]
    [TestCase(RequestKind.Read, 28, 5, "read offset=512 bytes=512 return value mismatch -28 != -5")]
    [TestCase(RequestKind.Write, 0, 5, "write offset=512 bytes=512 return value mismatch 0 != -5")]
    [TestCase(RequestKind.Write, 5, 28, "write offset=512 bytes=512 return value mismatch -5 != -28")]
    [TestCase(RequestKind.WriteZeroes, 5, 0, "write zeroes offset=512 bytes=512 return value mismatch -5 != 0")]
    [TestCase(RequestKind.Flush, 0, 5, "flush return value mismatch 0 != -5")]
    public void A_request_that_ends_differently_fails_and_says_how(RequestKind kind, int testErrno, int rawErrno, string text) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both + ",raw.zeroes=on,test.zeroes=on");
        await backend.WriteAsync(0, new byte[512]);
        Test.FailWith(kind, KindOf(testErrno));
        Raw.FailWith(kind, KindOf(rawErrno));
        BlockException failure = await Failure.OfRequestAsync(() => Run(backend, kind));
        Assert.That((failure.Kind, failure.Message), Is.EqualTo((BlockErrorKind.CorruptImage, "blkverify: " + text)), "the failure");
        Assert.That(_events.Select(e => e.Message), Is.EqualTo(new[] { "blkverify: " + text }), "the event");
        Mend();
    });

    [TestCase(RequestKind.Read)]
    [TestCase(RequestKind.Write)]
    [TestCase(RequestKind.Flush)]
    public void A_request_that_fails_alike_in_both_fails_so(RequestKind kind) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both);
        await backend.WriteAsync(0, new byte[512]);
        Test.FailWith(kind, BlockErrorKind.NoSpace);
        Raw.FailWith(kind, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => Run(backend, kind))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the common failure");
        Assert.That(_events, Is.Empty, "no difference");
        Mend();
    });

    [Test]
    public void Overlapping_requests_never_look_like_a_difference([Range(1, 30)] int seed)
    {
        using GraphFixture world = NewFixture(new SimulationOptions { Seed = seed });
        world.Run(async () =>
        {
            await using BlockBackend backend = await world.OpenAsync(Both + ",raw.latency-ns-max=100000,test.latency-ns-max=100000,test.align=512");
            SeededRandom chance = world.World.Chance;
            await Task.WhenAll(Enumerable.Range(0, 40).Select(i => chance.Next(3) switch
            {
                0 => backend.ReadAsync(chance.Next(2000), new byte[1 + chance.Next(2000)]).AsTask(),
                1 => backend.WriteZeroesAsync(chance.Next(2000), 1 + chance.Next(2000)).AsTask(),
                _ => backend.WriteAsync(chance.Next(2000), Filled((byte)i, 1 + chance.Next(2000))).AsTask(),
            }));
            await backend.ReadAsync(0, new byte[8192]);
        });
        Assert.That(world.Memory.Storage("r").Bytes.AsSpan().SequenceEqual(world.Memory.Storage("t").Bytes), Is.True, $"seed {seed}: the same bytes");
    }

    [TestCase("driver=blkverify", "A block device must be specified for \"raw\"")]
    [TestCase("driver=blkverify,raw.driver=memory,raw.filename=r", "A block device must be specified for \"test\"")]
    [TestCase("driver=blkverify,test.driver=memory,test.filename=t", "A block device must be specified for \"raw\"")]
    [TestCase(Both + ",foo=bar", "Block protocol 'blkverify' doesn't support the option 'foo'")]
    [TestCase(Both + ",raw.foo=bar", "Block protocol 'memory' doesn't support the option 'foo'")]
    [TestCase("filename=blkverify:a", "blkverify requires raw copy and original image path")]
    [TestCase("filename=blkverify:", "blkverify requires raw copy and original image path")]
    public void What_does_not_go_is_refused_and_leaves_nothing(string options, string text) => _fixture.Run(async () =>
    {
        BlockException refusal = await Failure.OfAsync(() => _fixture.OpenAsync(options));
        Assert.That(refusal.Message, Is.EqualTo(text), "the text");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "no node is left");
        Assert.That((Raw.OpenCount, Test.OpenCount), Is.EqualTo((0, 0)), "no storage is left open");
    });

    // users' required, shared | raw's | test's
    [TestCase(BlockPermissions.None, All, BlockPermissions.None, All, BlockPermissions.None, All & ~Resize)]
    [TestCase(Read, All & ~Read, Read, All & ~Read, Read, All & ~Read & ~Resize)]
    [TestCase(Write, All & ~Write, Write, All & ~Write, Write | Resize, All & ~Write & ~Resize)]
    [TestCase(Unchanged, All, Unchanged, All, Unchanged | Write | Resize, All & ~Resize)]
    [TestCase(Resize, All, Resize, All, Resize, All & ~Resize)]
    public void The_copy_is_needed_as_a_filters_child_and_the_image_under_test_as_data(
        BlockPermissions required, BlockPermissions shared, BlockPermissions rawRequired, BlockPermissions rawShared, BlockPermissions testRequired, BlockPermissions testShared) => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both, new BackendOptions { Permissions = new PermissionSet(required, shared) });
        BlockNode node = backend.Root!;
        Assert.That(node.FindChild("raw")!.Permissions, Is.EqualTo(new PermissionSet(rawRequired, rawShared)), "raw");
        Assert.That(node.FindChild("test")!.Permissions, Is.EqualTo(new PermissionSet(testRequired, testShared)), "test");
        Assert.That(node.FilteredChild!.Name, Is.EqualTo("raw"), "the filtered child");
    });

    [Test]
    public void The_length_is_that_of_the_image_under_test_and_a_resize_changes_both() => _fixture.Run(async () =>
    {
        _fixture.Memory.Storage("short", 1024).Bytes.AsSpan().Fill(9);
        _fixture.Memory.Storage("long", 2048).Bytes.AsSpan(0, 1024).Fill(9);
        await using BlockBackend backend = await _fixture.OpenAsync("driver=blkverify,raw.driver=memory,raw.filename=short,test.driver=memory,test.filename=long", new BackendOptions { ReadOnly = true });
        Assert.That(backend.LengthBytes, Is.EqualTo(2048), "test's");
        await backend.ReadAsync(0, new byte[2048]);
        string[] paths = [.. new[] { "raw", "test" }.Select(name => Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{name}-{TestContext.CurrentContext.Test.ID}.img"))];
        foreach (string path in paths)
        {
            _fixture.Graph.Platform.CreateFile(path, LengthBytes);
        }

        await using (BlockBackend sized = await _fixture.OpenAsync(
            $"driver=blkverify,raw.driver=file,raw.filename={paths[0]},test.driver=file,test.filename={paths[1]}", new BackendOptions { CanResize = true }))
        {
            await sized.TruncateAsync(2 * LengthBytes);
            Assert.That(sized.LengthBytes, Is.EqualTo(2 * LengthBytes), "the node");
            await sized.WriteAsync(LengthBytes, Filled(3, 512));
        }

        Assert.That(paths.Select(path => new FileInfo(path).Length), Is.All.EqualTo(2 * LengthBytes), "both files");
        foreach (string path in paths)
        {
            File.Delete(path);
        }
    });

    [Test]
    public void By_its_name_the_copy_is_plain_storage_and_the_image_is_probed() => _fixture.Run(async () =>
    {
        // memory: is a prefix with a colon of its own: the copy cannot have one.
        "MAGICFMT"u8.CopyTo(Test.Bytes);
        await using BlockBackend backend = await _fixture.OpenAsync("driver=blkverify,raw.filename=memory:r,test.filename=memory:t", new BackendOptions { ReadOnly = true });
        Assert.That(backend.Root!.FindChild("raw")!.Node.Driver.Name, Is.EqualTo("memory"), "raw");
        Assert.That(backend.Root.FindChild("test")!.Node.Driver.Name, Is.EqualTo("magic"), "test");
    });

    [Test]
    public void Its_name_says_both_or_is_a_tree() => _fixture.Run(async () =>
    {
        await using BlockBackend plain = await _fixture.OpenAsync("driver=blkverify,raw.driver=null-co,test.driver=null-aio", new BackendOptions { ReadOnly = true });
        Assert.That(plain.Root!.ShownFileName, Is.EqualTo("blkverify:null-co://:null-aio://"), "two plain names");
        await using BlockBackend tree = await _fixture.OpenAsync("driver=blkverify,raw.driver=null-co,test.driver=null-co,test.size=1M", new BackendOptions { ReadOnly = true });
        Assert.That(tree.Root!.ShownFileName, Does.StartWith("json:").And.Contain("\"test\": {").And.Contain("\"raw\": {"), "one that needs more");
    });

    [Test]
    public void It_cannot_be_reopened() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both, new BackendOptions { ReadOnly = true });
        BlockException refusal = await Failure.OfAsync(() => _fixture.Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("read-only=on"))));
        Assert.That(refusal.Message, Is.EqualTo("Block format 'blkverify' used by node 'v' does not support reopening files"), "why");
    });

    [Test]
    public void Zeroing_that_must_not_fall_back_is_refused_before_anything_happens() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Both + ",raw.zeroes=on");
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(0, 512, RequestFlags.NoFallback))).Kind, Is.EqualTo(BlockErrorKind.NotSupported), "why");
        Assert.That((Raw.Log.Count, Test.Log.Count), Is.EqualTo((0, 0)), "nothing was written");
    });

    private static GraphFixture NewFixture(SimulationOptions world) => new(
        world,
        [new BlkverifyDriver(), new RawDriver(), new NullCoDriver(), new NullAioDriver(), new HostFileDriver()],
        new NodeGraphOptions { PseudoFileNames = PseudoFileName.Parse, PseudoFileNameWriter = PseudoFileName.Format });

    private static byte[] Filled(byte value, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    private static BlockErrorKind? KindOf(int errno) => errno switch { 5 => BlockErrorKind.InputOutput, 28 => BlockErrorKind.NoSpace, _ => null };

    private static ValueTask Run(BlockBackend backend, RequestKind kind) => kind switch
    {
        RequestKind.Read => backend.ReadAsync(512, new byte[512]),
        RequestKind.Write => backend.WriteAsync(512, new byte[512]),
        RequestKind.WriteZeroes => backend.WriteZeroesAsync(512, 512),
        _ => backend.FlushAsync(),
    };

    private void Mend()
    {
        Raw.FailWith(RequestKind.Read, null);
        Test.FailWith(RequestKind.Read, null);
    }
}
