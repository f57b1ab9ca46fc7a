using Newtonsoft.Json.Linq;

namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>Image commands on qcow2 where lengths, sources or keys are odd. As the public regression tests have it.</summary>
[TestFixture]
public sealed class Qcow2ImgTests
{
    private const string Secret = "a-passphrase-that-nobody-is-told";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("0", 0)]
    [TestCase("1234", 1536)]
    public void An_image_of_an_odd_length_leaks_nothing_and_has_whole_sectors(string size, long lengthBytes)
    {
        string path = _folder.File("t");
        Done("create", "-f", "qcow2", path, size);
        Assert.That(Done("info", "--output=json", path).Out, Does.Contain($"\"virtual-size\": {lengthBytes}"), "its length");
        Assert.That(Done("check", path).Out, Does.StartWith("No errors were found on the image.\n"), "a check");
    }

    // Two sources that end in the middle of a cluster of the target.
    [Test]
    public void What_is_compressed_may_end_in_the_middle_of_a_cluster()
    {
        Done("create", "-f", "qcow2", "-o", "cluster_size=1k", _folder.File("a"), "1023k");
        Done("create", "-f", "qcow2", "-o", "cluster_size=1k", _folder.File("b"), "1023k");
        Io("a", "write -P 0x11 16k 16k", "write -P 0x22 1022k 1k");
        Io("b", "write -P 0x33 0 1k", "write -P 0x44 900k 16k");
        Done("convert", "-c", "-O", "qcow2", _folder.File("a"), _folder.File("b"), _folder.File("t"));
        Io("t", "read -P 0x11 16k 16k", "read -P 0x22 1022k 1k", "read -P 0x33 1023k 1k", "read -P 0 1024k 899k", "read -P 0x44 1923k 16k");
        Assert.That(Done("check", _folder.File("t")).Out, Does.StartWith("No errors were found on the image.\n"), "a check");
    }

    [Test]
    public void Zeros_are_written_to_a_new_image_that_is_encrypted_and_allocated()
    {
        Done("create", "-f", "qcow2", _folder.File("a"), "1M");
        Done(
            "convert", "-O", "qcow2", "--object", $"secret,id=s,data={Secret}", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10,preallocation=metadata",
            _folder.File("a"), _folder.File("t"));
        Done("compare", "--object", $"secret,id=s,data={Secret}", "--image-opts", $"driver=qcow2,file.filename={_folder.File("a")}", $"driver=qcow2,file.filename={_folder.File("t")},encrypt.key-secret=s");
    }

    // The counts of 5 GiB take three blocks: what is taken beside a new one stays a hole.
    [Test]
    public void Where_only_tables_are_allocated_the_file_takes_little_more()
    {
        const long TakenBytesMax = 16 << 20;
        string path = _folder.File("t");
        Done("create", "-f", "qcow2", "-o", "preallocation=metadata", path, "5G");
        JObject information = JObject.Parse(Done("info", "--output=json", path).Out);
        Assert.That((long)information["actual-size"]!, Is.LessThan(TakenBytesMax), "bytes on the disk");
        Assert.That(Done("check", path).Out, Does.Contain("81920/81920 = 100.00% allocated"), "every cluster has its place");
    }

    [Test]
    public void An_overlay_of_an_encrypted_image_is_made_without_its_passphrase()
    {
        Done("create", "-f", "qcow2", "--object", $"secret,id=s,data={Secret}", "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", _folder.File("a"), "1M");
        Done("create", "-f", "qcow2", "-b", _folder.File("a"), "-F", "qcow2", _folder.File("t"));
    }

    // By the name qemu-img they are dropped, as there; but nothing leaks, and nobody is warned of them for ever after.
    [Test]
    public void An_image_with_bitmaps_becomes_version_2_without_them_only_by_the_name_qemu_img()
    {
        string path = _folder.File("t");
        Done("create", "-q", "-f", "qcow2", path, "1M");
        Done("bitmap", "--add", path, "a");
        Done("bitmap", "--add", "--disable", path, "b");
        ToolRun own = ToolRun.Own("img", "amend", "-o", "compat=0.10", path);
        Assert.That((own.ExitCode, own.Error), Is.EqualTo((1, "blockgraph: Cannot downgrade an image which has bitmaps\n")), "by the own name");
        Done("amend", "-o", "compat=0.10", path);
        Assert.That(Done("info", path).Out, Does.Contain("compat: 0.10").And.Not.Contain("bitmaps"), "what it has now");
        Assert.That(Done("check", path).Out, Does.StartWith("No errors were found on the image.\n"), "a check");
    }

    [TestCase("qemu-io", 0, "qemu-io: ")]
    [TestCase("blockgraph", 0, "blockgraph: warning: ")]
    public void Bitmaps_that_are_lost_at_closing_are_told_of_in_the_words_of_the_program(string program, int exitCode, string prefix)
    {
        string path = _folder.File("t");
        Done("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", path, "1M");
        Done("bitmap", "--add", path, "a");
        string options = $"driver=qcow2,file.driver=blkdebug,file.inject-error.0.event=cluster_alloc,file.image.driver=file,file.image.filename={path}";
        string[] arguments = ["-c", "write 0 64k", options];
        ToolRun run = ToolRun.By(program, "", program == "blockgraph" ? ["io", .. arguments] : ["--image-opts", .. arguments]);
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), "exit code: the write is done");
        Assert.That(run.Error, Does.StartWith($"{prefix}Lost persistent bitmaps during inactivation of node '#block").And.EndWith("Input/output error\n"), "standard error");
        Assert.That(run.Error.Split('\n'), Has.Length.EqualTo(2), "one line");
        Assert.That(Done("info", path).Out, Does.Contain("in-use"), "the bitmap");
    }

    // What the source has as zeros is zeros, not what shows through.
    [TestCase("-B", "BASE", "-F", "raw")]
    [TestCase("-o", "backing_file=BASE,backing_fmt=raw")]
    public void A_target_with_a_backing_file_reads_as_the_source(params string[] backing)
    {
        string below = _folder.Image("below.raw", 1 << 20);
        string source = _folder.Image("source.raw", 1 << 20);
        string target = _folder.File("target.qcow2");
        Assert.That(ToolRun.Io($"driver=raw,file.filename={below}", "write -q -P 3 0 1M").ExitCode, Is.Zero);
        Assert.That(ToolRun.Io($"driver=raw,file.filename={source}", "write -q -P 4 64k 64k").ExitCode, Is.Zero);
        ToolRun run = ToolRun.Own(["img", "convert", "-f", "raw", "-O", "qcow2", .. backing.Select(word => word.Replace("BASE", below, StringComparison.Ordinal)), source, target]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), "convert");
        Assert.That(ToolRun.Own("img", "info", target).Out, Does.Contain($"backing file: {below}"), "its backing file");
        Assert.That(ToolRun.Own("img", "compare", "-f", "raw", "-F", "qcow2", source, target).Out, Is.EqualTo("Images are identical.\n"));
    }

    [TestCase("blockgraph", "An image with an external data file has no snapshots")]
    [TestCase("qemu-img", "Failed to load snapshot: Operation not supported")]
    public void No_snapshot_of_an_image_with_a_data_file_is_applied(string program, string reason)
    {
        string path = _folder.File("t");
        Assert.That(ToolRun.Own("img", "create", "-q", "-f", "qcow2", "-o", $"data_file={_folder.File("data")}", path, "1M").ExitCode, Is.Zero);
        byte[] before = File.ReadAllBytes(path);
        ToolRun run = ToolRun.By(program, "", [.. program == "blockgraph" ? new[] { "img" } : [], "snapshot", "-a", "s", path]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"{program}: Could not apply snapshot 's': {reason}\n")));
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(before), "the image");
    }

    // Every command that knows a passphrase, right or wrong, done or refused: none tells it.
    [Test]
    public void No_passphrase_is_ever_told()
    {
        string path = _folder.File("t");
        string[] secrets = ["--object", $"secret,id=s,data={Secret}", "--object", $"secret,id=w,data=wrong-{Secret}"];
        string open = $"driver=qcow2,file.filename={path},encrypt.key-secret=s";
        string json = $"json:{{\"driver\":\"qcow2\",\"file\":{{\"driver\":\"file\",\"filename\":\"{path}\"}},\"encrypt.key-secret\":\"s\"}}";
        List<ToolRun> runs = [];
        void Try(string program, params string[] arguments) => runs.Add(ToolRun.With([], new TestConsole(), program, arguments));
        Try("qemu-img", ["create", "-f", "qcow2", .. secrets, "-o", "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10", path, "1M"]);
        foreach (string program in new[] { "qemu-img", "blockgraph" })
        {
            string[] img = program == "blockgraph" ? ["img"] : [];
            Try(program, [.. img, "info", .. secrets, "--image-opts", open]);
            Try(program, [.. img, "info", .. secrets, "--output=json", json]);
            Try(program, [.. img, "check", .. secrets, "--image-opts", open]);
            Try(program, [.. img, "map", .. secrets, "--image-opts", open.Replace("secret=s", "secret=w", StringComparison.Ordinal)]);
            Try(program, [.. img, "map", .. secrets, json]);
            Try(program, [.. img, "amend", .. secrets, "--image-opts", "-o", "encrypt.state=active,encrypt.new-secret=w,encrypt.iter-time=10", open]);
            Try(program, [.. img, "amend", .. secrets, "--image-opts", "-o", "encrypt.state=inactive,encrypt.old-secret=s,encrypt.keyslot=7", open]);
            Try(program, [.. img, "convert", .. secrets, "--image-opts", "-O", "raw", open, _folder.File("raw")]);
            Try(program, [.. img, "create", .. secrets, "-f", "qcow2", "-b", json, "-F", "qcow2", _folder.File("overlay")]);
            Try(program, [.. img, "info", "--object", $"secret,id=s,data={Secret},format=base64", "--image-opts", open]);
            Try(program, [.. img, "info", "--object", $"secret,id=s,data={Secret},foo=1", "--image-opts", open]);
            Try(program, [.. img, "info", "--object", $"secret,id=s,file={_folder.File("none")},data={Secret}", "--image-opts", open]);
        }

        Try("qemu-io", [.. secrets, "-c", "info", "-c", "map", "-c", "read 0 512", "--image-opts", open]);
        Try("qemu-io", [.. secrets, "-c", "read 0 512", json]);
        Try("blockgraph", ["graph", .. secrets, "--json", open]);
        Try("blockgraph", ["graph", .. secrets, open]);
        Try("blockgraph", ["plan", .. secrets, open]);
        Try("blockgraph", ["io", .. secrets, "-c", "info", open]);
        Assert.That(runs.Count(run => run.ExitCode == 0), Is.GreaterThan(10), "most of it is done");
        foreach (ToolRun run in runs)
        {
            Assert.That(run.Out + run.Error, Does.Not.Contain(Secret), "output and errors");
        }

        Assert.That(
            Directory.GetFiles(_folder.Path).Where(file => File.ReadAllBytes(file).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Secret)) >= 0), Is.Empty, "files");
    }

    private static ToolRun Done(params string[] arguments)
    {
        ToolRun run = ToolRun.With([], new TestConsole(), "qemu-img", arguments);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), string.Join(' ', arguments));
        return run;
    }

    private void Io(string name, params string[] commands)
    {
        ToolRun run = ToolRun.With([], new TestConsole(), "qemu-io", ["-f", "qcow2", .. commands.SelectMany(command => new[] { "-c", command }), _folder.File(name)]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), string.Join("; ", commands));
        Assert.That(run.Out, Does.Not.Contain("verification failed").And.Not.Contain("failed:"), string.Join("; ", commands));
    }
}
