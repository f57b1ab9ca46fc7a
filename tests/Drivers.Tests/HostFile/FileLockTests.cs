using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Who keeps whom out of one file. The portable engine has no byte locks: it keeps nobody out, and says so when asked to.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileLockTests(string engine) : FileDriverFixture(engine)
{
    private const int Read = 1;
    private const int Write = 2;
    private const int All = ImageLocks.AllPermissions;

    [TestCase("driver=file,filename=*")]
    [TestCase("driver=raw,file.filename=*")]
    [TestCase("driver=throttle,file.filename=*")]
    public void A_second_writer_of_one_file_is_refused(string stack) => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        string options = stack.Replace("*", path, StringComparison.Ordinal);
        GraphFixture other = AddWorld();
        await using (BlockBackend first = await OpenAsync(options))
        {
            if (IsLinuxEngine)
            {
                other.Run(async () => AssertLocked(await RefusedAsync(() => OpenAsync(other.Graph, options)), "\"write\"", path, "another graph"));
                AssertLocked(await RefusedAsync(options), "\"write\"", path, "another node of the same graph");
                Assert.That(OpenDescriptorCount(path), Is.EqualTo(1), "the refused ones are closed");
            }
            else
            {
                await (await OpenAsync(options)).DisposeAsync();
            }

            await first.WriteAsync(0, new byte[512]);
        }

        await (await OpenAsync(options)).DisposeAsync();
        AssertNothingIsLeft("at the end", path: path);
    });

    [Test]
    public void The_qemu_profile_shares_writing()
    {
        string path = MakeFile("a.img", new byte[4096]);
        GraphFixture world = AddWorld(profile: CompatibilityProfile.Qemu);
        world.Run(async () =>
        {
            await using BlockBackend first = await OpenAsync(world.Graph, $"driver=raw,file.filename={path}");
            await using BlockBackend second = await OpenAsync(world.Graph, $"driver=raw,file.filename={path}");
            byte[] data = Pattern(512, seed: 1);
            await first.WriteAsync(0, data);
            byte[] copy = new byte[512];
            await second.ReadAsync(0, copy);
            Assert.That(copy, Is.EqualTo(data), "both write one file");
        });
    }

    [Test]
    public void Writers_that_ask_for_it_share_writing() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        BackendOptions sharing = new() { ShareWrite = true };
        await using BlockBackend first = await OpenAsync($"driver=file,filename={path}", sharing);
        await using BlockBackend second = await OpenAsync($"driver=file,filename={path}", sharing);
        if (IsLinuxEngine)
        {
            AssertLocked(await RefusedAsync($"driver=file,filename={path}"), "shared \"write\"", path, "one that does not share");
        }
    });

    [TestCase("read-only=on")]
    [TestCase("read-only=on,force-share=on")]
    public void A_reader_opens_beside_a_writer(string options) => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(4096, seed: 2));
        await using BlockBackend writer = await OpenAsync($"driver=raw,file.filename={path}");
        byte[] data = Pattern(512, seed: 3);
        await writer.WriteAsync(512, data);
        await using BlockBackend reader = await OpenAsync($"driver=raw,file.filename={path},{options}");
        byte[] copy = new byte[512];
        await reader.ReadAsync(512, copy);
        Assert.That(copy, Is.EqualTo(data), "the reader sees what the writer wrote");
        Assert.That(reader.IsReadOnly, "it reads only");
        Assert.That((await RefusedAsync(async () => await reader.WriteAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "a write through it");
    });

    [Test]
    public void A_reader_that_does_not_share_writing_and_a_writer_exclude_each_other() => Run(async () =>
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine has no byte locks");
        }

        string path = MakeFile("a.img", new byte[4096]);
        string readOnly = $"driver=file,filename={path},read-only=on";
        await using (await OpenAsync($"driver=file,filename={path}"))
        {
            AssertLocked(await RefusedAsync(readOnly, new BackendOptions { ShareWrite = false }), "shared \"write\"", path, "the reader comes second");
        }

        await using (await OpenAsync(readOnly, new BackendOptions { ShareWrite = false }))
        {
            AssertLocked(await RefusedAsync($"driver=file,filename={path}"), "\"write\"", path, "the writer comes second");
        }
    });

    [Test]
    public void With_locking_off_nobody_is_asked_and_nobody_sees_us() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        await using BlockBackend locked = await OpenAsync($"driver=file,filename={path}");
        await using BlockBackend off = await OpenAsync($"driver=file,locking=off,filename={path}");
        await off.WriteAsync(0, new byte[] { 1 });
        await locked.DisposeAsync();
        if (IsLinuxEngine)
        {
            AssertLocksAreFree(path, "beside a writer without locks");
        }
    });

    [Test]
    public void With_locking_on_the_engine_must_have_locks() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        string options = $"driver=file,locking=on,filename={path}";
        if (IsLinuxEngine)
        {
            await using BlockBackend backend = await OpenAsync(options);
            AssertLocked(await RefusedAsync(options), "\"write\"", path, "a second one");
            return;
        }

        BlockException refusal = await RefusedAsync(options);
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotSupported, $"locking=on is not possible for '{path}': the file engine has no byte locks")), "why");
        AssertNothingIsLeft("after the refusal");
    });

    [Test]
    public void The_locks_follow_what_the_users_need_together() => Run(async () =>
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine has no byte locks");
        }

        string path = MakeFile("a.img", new byte[4096]);
        BlockNode node = await AddNodeAsync($"driver=file,node-name=n,filename={path}");
        AssertLocksAreFree(path, "a node without users");
        await using (await Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true }))
        {
            Assert.That(Conflict(path, Write, All), Is.Null, "a sharing reader lets others write");
            await using (await Graph.AttachBackendAsync(node))
            {
                Assert.That(Conflict(path, Write, All), Is.EqualTo("Failed to get \"write\" lock"), "a writer does not");
                Assert.That(Conflict(path, Read, All & ~Write), Is.EqualTo("Failed to get shared \"write\" lock"), "and is seen");
            }

            Assert.That(Conflict(path, Write, All & ~Write), Is.Null, "when the writer has gone, so have its locks");
        }

        await Graph.RemoveNodeAsync("n");
        AssertNothingIsLeft("at the end", path: path);
    });

    [Test]
    public void A_running_qemu_io_and_a_writer_of_ours_refuse_each_other() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[1 << 20]);
        string options = $"driver=throttle,file.filename={path},limits.iops-total=1000,throttle-group=bar";
        using (new QemuIo("-f", "raw", path))
        {
            if (IsLinuxEngine)
            {
                AssertLocked(await RefusedAsync(options), "shared \"write\"", path, "ours comes second");
                AssertNothingIsLeft("after the refusal");
            }

            await (await OpenAsync($"driver=raw,read-only=on,force-share=on,file.filename={path}")).DisposeAsync();
        }

        await using BlockBackend backend = await OpenAsync(options);
        if (IsLinuxEngine)
        {
            Assert.That(
                QemuIo.Run("-f", "raw", "-c", "write 0 512", path),
                Is.EqualTo($"qemu-io: can't open device {path}: Failed to get \"write\" lock\nIs another process using the image [{path}]?\n"),
                "qemu-io comes second");
            Assert.That(QemuIo.Run("-r", "-U", "-f", "raw", "-c", "read 0 512", path), Does.StartWith("read 512/512 bytes"), "qemu-io reads beside us");
        }
    });

    [Test]
    public void A_lock_that_the_system_will_not_give_refuses_the_open_and_leaves_nothing()
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine has no byte locks");
        }

        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", new byte[4096]);
        world.Run(async () =>
        {
            foreach (string call in new[] { "lock", "test lock" })
            {
                platform.Fault = (name, _) => { if (name == call) { throw FaultyPlatform.Broken(); } };
                Assert.That((await RefusedAsync(() => OpenAsync(world.Graph, $"driver=raw,file.filename={path}"))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), call);
                AssertNothingIsLeft(call, world.Graph, path);
            }
        });
    }

    private static void AssertLocked(BlockException refusal, string lockName, string path, string who)
    {
        Assert.That(refusal.Message, Is.EqualTo($"Failed to get {lockName} lock"), who);
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.Locked), $"{who}: the kind");
        Assert.That(refusal.Hint, Is.EqualTo($"Is another process using the image [{path}]?"), $"{who}: the hint");
    }

    /// <summary>What another process would hear, or null where it would get the locks.</summary>
    private string? Conflict(string path, int held, int shared)
    {
        using OpenFile file = Platform.OpenFile(new HostFileOptions(path) { IsWritable = true });
        try
        {
            new ImageLocks(file).Prepare(held, shared);
            return null;
        }
        catch (BlockException conflict)
        {
            return conflict.Message;
        }
    }
}
