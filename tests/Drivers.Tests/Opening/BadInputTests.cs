using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Opening;

/// <summary>What a user may get wrong: one line that says what, nothing created, nothing left open.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class BadInputTests(string engine) : FileDriverFixture(engine)
{
    // FILE is a file of 1 MiB, FOLDER its folder.
    [TestCase("driver=nope,filename=FILE", "Unknown driver 'nope'")]
    [TestCase("driver=throtle,file.filename=FILE", "Unknown driver 'throtle' (did you mean 'throttle'?)")]
    [TestCase("driver=throttle,file.driver=fiel,file.filename=FILE", "Unknown driver 'fiel' (did you mean 'file'?)")]
    [TestCase("driver=file,filename=FILE,lockin=on", "Block protocol 'file' doesn't support the option 'lockin' (did you mean 'locking'?)")]
    [TestCase("driver=file,filename=FILE,zzzzzzzzzz=on", "Block protocol 'file' doesn't support the option 'zzzzzzzzzz'")]
    [TestCase("driver=raw,file.filename=FILE,ofset=1k", "Block format 'raw' does not support the option 'ofset' (did you mean 'offset'?)")]
    [TestCase("driver=raw,file.driver=file,file.filename=FILE,file.readonly=on", "Block protocol 'file' doesn't support the option 'readonly' (did you mean 'read-only'?)")]
    [TestCase("driver=throttle,file.filename=FILE,limits.iops-totl=1", "Block format 'throttle' does not support the option 'limits.iops-totl' (did you mean 'limits.iops-total'?)")]
    [TestCase("driver=throttle,file.filename=FILE,limits.iops-total=many", "Parameter 'limits.iops-total' expects a number")]
    [TestCase("driver=throttle,file.filename=FILE,limits.iops-total=1,limits.iops-read=1", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("driver=throttle,file.filename=FILE,throttle-group=nope", "Throttle group 'nope' does not exist")]
    [TestCase("driver=file,filename=FILE,locking=maybe", "Parameter 'locking' does not accept value 'maybe'")]
    [TestCase("driver=file,filename=FILE,discard=maybe", "Invalid discard option")]
    [TestCase("driver=file,filename=FILE,detect-zeroes=maybe", "Parameter 'detect-zeroes' does not accept value 'maybe'")]
    [TestCase("driver=file,filename=FILE,detect-zeroes=unmap", "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap")]
    [TestCase("driver=file,filename=FILE,read-only=perhaps", "Parameter 'read-only' expects 'on' or 'off'")]
    [TestCase("driver=file,filename=FILE,cache.direct=perhaps", "Parameter 'cache.direct' expects 'on' or 'off'")]
    [TestCase("driver=file,filename=FILE,force-share=on", "force-share=on can only be used with read-only images")]
    [TestCase("driver=raw,file.filename=FILE,offset=2M", "Offset (2097152) cannot be greater than size of the containing file (1048576)")]
    [TestCase("driver=raw,file.filename=FILE,size=1000", "Specified size is not multiple of 512")]
    [TestCase("driver=raw,file.filename=FILE,offset=x", "Parameter 'offset' expects a non-negative number below 2^64")]
    [TestCase("driver=raw", "A block device must be specified for \"file\"")]
    [TestCase("driver=throttle,limits.iops-total=1", "A block device must be specified for \"file\"")]
    [TestCase("driver=file", "The 'file' block driver requires a file name")]
    [TestCase("node-name=a", "Must specify either driver or file")]
    [TestCase("driver=raw,filename=FILE,file.filename=FILE", "Can't specify 'file' and 'filename' options at the same time")]
    [TestCase("driver=raw,filename=FILE,file=a", "Can't specify 'file' and 'filename' options at the same time")]
    [TestCase("driver=raw,node-name=a,file=a", "Cannot find device='a' nor node-name='a'")]
    [TestCase("driver=raw,node-name=7up,file.filename=FILE", "Invalid node-name: '7up'")]
    [TestCase("driver=raw,node-name=a,file.node-name=a,file.filename=FILE", "Duplicate nodes with node-name='a'")]
    [TestCase("driver=file,filename=FOLDER/missing", "Could not open 'FOLDER/missing': No such file or directory")]
    [TestCase("FOLDER/missing", "Could not open 'FOLDER/missing': No such file or directory")]
    [TestCase("driver=throttle,file.filename=FOLDER/missing,limits.iops-total=1,throttle-group=bar", "Could not open 'FOLDER/missing': No such file or directory")]
    [TestCase("driver=file,filename=FILE/below", "Could not open 'FILE/below': Not a directory")]
    [TestCase("driver=file,filename=FOLDER", "Could not open 'FOLDER': Is a directory")]
    [TestCase("driver=file,read-only=on,filename=FOLDER", "'file' driver requires 'FOLDER' to be a regular file")]
    [TestCase("driver=file,filename=", "The 'file' block driver requires a file name")]
    [TestCase("nope:FILE", "Unknown protocol 'nope'")]
    public void A_bad_option_is_refused_in_one_line(string options, string text) => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[1 << 20]);
        string folder = Path.GetDirectoryName(path)!;
        string[] before = Directory.GetFiles(folder);
        BlockException refusal = await RefusedAsync(Fill(options, path, folder));
        string expected = Fill(text, path, folder);
        if (!IsLinuxEngine && expected.EndsWith("Not a directory", StringComparison.Ordinal))
        {
            // .NET calls it a path that is not there.
            expected = expected.Replace("Not a directory", "No such file or directory", StringComparison.Ordinal);
        }

        Assert.That(refusal.Message, Is.EqualTo(expected), "the text");
        Assert.That(Directory.GetFiles(folder), Is.EqualTo(before), "nothing is created");
        AssertNothingIsLeft("after the refusal", path: path);
        await (await OpenAsync(path)).DisposeAsync();
    });

    [TestCase("driver=file,filename=*")]
    [TestCase("driver=file,read-only=on,filename=*")]
    [TestCase("driver=throttle,file.filename=*")]
    public void A_fifo_is_refused_at_once(string options) => Run(async () =>
    {
        string path = PathOf("fifo");
        MakeFifo(path);
        BlockException refusal = await RefusedAsync(options.Replace("*", path, StringComparison.Ordinal));
        Assert.That(refusal.Message, Is.EqualTo($"'file' driver requires '{path}' to be a regular file"), "without waiting for its other end");
        AssertNothingIsLeft("after the refusal");
    });

    [TestCase("/dev/null")]
    [TestCase("/dev/tty")]
    [TestCase("/dev/ptmx")]
    public void A_character_device_is_refused(string path) => Run(async () =>
    {
        if (!Path.Exists(path))
        {
            Assert.Ignore(path + " does not exist");
        }

        BlockException refusal = await RefusedAsync($"driver=file,filename={path}");
        Assert.That(refusal.Message, Is.EqualTo($"'file' driver requires '{path}' to be a regular file"), "why");
        AssertNothingIsLeft("after the refusal");
        Assert.That(OpenDescriptorCount(path == "/dev/ptmx" ? path : "/nowhere"), Is.Zero, "the device is not open");
    });

    [Test]
    public void A_block_device_is_left_to_another_driver()
    {
        GraphFixture world = AddWorld(platform: new FaultyPlatform(Platform) { ClaimsBlockDevice = true });
        string path = MakeFile("sda", new byte[4096]);
        world.Run(async () =>
        {
            BlockException refusal = await RefusedAsync(() => OpenAsync(world.Graph, $"driver=file,filename={path}"));
            Assert.That(refusal.Message, Is.EqualTo($"'file' driver requires '{path}' to be a regular file"), "why");
            AssertNothingIsLeft("after the refusal", world.Graph, path);
        });
    }

    [Test]
    public void A_read_only_file_has_no_writers() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        using ImmutableFile immutable = new(path);
        foreach (string options in new[] { $"driver=file,filename={path}", $"driver=throttle,file.filename={path},limits.iops-total=1,throttle-group=bar" })
        {
            BlockException refusal = await RefusedAsync(options);
            Assert.That(refusal.Message, Is.EqualTo($"Could not open '{path}': Operation not permitted"), "why");
            AssertNothingIsLeft("after the refusal");
        }

        await using BlockBackend reader = await OpenAsync($"driver=file,auto-read-only=on,filename={path}", new BackendOptions { ReadOnly = true });
        Assert.That((await RefusedAsync(() => Graph.AttachBackendAsync(reader.Root!))).Message, Is.EqualTo($"Could not open '{path}': Operation not permitted"), "a writer beside a reader");
    });

    [Test]
    public void A_file_that_hides_its_length_is_refused() => Run(async () =>
    {
        const string Path = "/proc/self/mem";
        if (!File.Exists(Path) || !IsLinuxEngine)
        {
            Assert.Ignore("needs Linux's /proc and its own engine");
        }

        BlockException refusal = await RefusedAsync($"driver=raw,read-only=on,file.filename={Path}");
        Assert.That(refusal.Message, Is.EqualTo("Could not refresh total sector count: Invalid argument"), "why");
        Assert.That(OpenDescriptorCount($"/proc/{Environment.ProcessId}/mem"), Is.Zero, "nothing is open");
        AssertNothingIsLeft("after the refusal");
    });

    [Test]
    public void A_name_in_use_is_refused_and_its_owner_undisturbed() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        string other = MakeFile("b.img", new byte[4096]);
        await using BlockBackend owner = await OpenAsync($"driver=throttle,node-name=n,file.filename={path},throttle-group=g,limits.iops-total=100");
        BlockException refusal = await RefusedAsync($"driver=throttle,node-name=n,file.filename={other},throttle-group=g,limits.iops-total=7");
        Assert.That(refusal.Message, Is.EqualTo("Duplicate nodes with node-name='n'"), "why");
        Assert.That(OpenDescriptorCount(other), Is.Zero, "the other file is not open");
        Assert.That(Graph.ThrottleGroups.Find("g")!.Config.IopsTotal.Rate, Is.EqualTo(100), "the group's limits");
        await owner.WriteAsync(0, new byte[512]);
    });

    private static string Fill(string text, string path, string folder) =>
        text.Replace("FILE", path, StringComparison.Ordinal).Replace("FOLDER", folder, StringComparison.Ordinal);

    private static void MakeFifo(string path) => RunProgram("mkfifo", path);

    private static int RunProgram(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("missing program: " + program);
            throw;
        }
    }

    /// <summary>A file that not even root may write, until it is disposed.</summary>
    private sealed class ImmutableFile : IDisposable
    {
        private readonly string _path;

        public ImmutableFile(string path)
        {
            _path = path;
            if (RunProgram("chattr", "+i", path) != 0)
            {
                Assert.Ignore("files cannot be made immutable here");
            }
        }

        public void Dispose() => RunProgram("chattr", "-i", _path);
    }
}
