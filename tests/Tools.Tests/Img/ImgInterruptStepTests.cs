namespace BlockGraph.Tools.Tests.Img;

/// <summary>
/// Each command that changes a qcow2 image, interrupted at its first request to the storage, at its second, and so on until it is over before that: whichever it is, the image is in order, shows
/// the guest what it showed, and the same command does its work the next time.
/// </summary>
[TestFixture]
public sealed class ImgInterruptStepTests
{
    private const int GuestBytes = 256 << 10;
    private TemporaryFolder _folder = null!;
    private string _path = null!;

    [SetUp]
    public void MakeImage()
    {
        _folder = new TemporaryFolder();
        _path = _folder.File("disk.qcow2");
        string below = _folder.Image("below.raw", GuestBytes);
        string other = _folder.Image("other.raw", GuestBytes);
        Own($"img create -q -f qcow2 -b {below} -F raw -o cluster_size=512 {_path} {GuestBytes}");
        Own($"img bitmap --add -g 512 {_path} b1");
        Own($"img bitmap --add -g 512 {_path} b2");
        foreach ((string file, string command) in new[]
        {
            ($"driver=raw,file.filename={below}", "write -q -P 1 0 128k"), ($"driver=raw,file.filename={other}", "write -q -P 2 64k 128k"), ($"driver=qcow2,file.filename={_path}", "write -q -P 3 96k 64k"),
        })
        {
            Assert.That(ToolRun.Io(file, command).ExitCode, Is.Zero, command);
        }

        Own($"img snapshot -c s0 {_path}");
        Assert.That(ToolRun.Io($"driver=qcow2,file.filename={_path}", "write -q -P 4 112k 96k").ExitCode, Is.Zero);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("amend -o compat=1.1,refcount_bits=64 IMAGE")]
    [TestCase("amend -o size=512k,lazy_refcounts=on IMAGE")]
    [TestCase("snapshot -c s1 IMAGE")]
    [TestCase("snapshot -d s0 IMAGE")]
    [TestCase("resize --preallocation=metadata IMAGE 512k")]
    [TestCase("bitmap --add IMAGE b3")]
    [TestCase("bitmap --remove IMAGE b1")]
    [TestCase("bitmap --clear IMAGE b1")]
    [TestCase("bitmap --merge b1 IMAGE b2")]
    [TestCase("commit -d IMAGE")]
    [TestCase("rebase -b '' IMAGE")]
    [TestCase("rebase -b OTHER -F raw IMAGE")]
    [TestCase("check -r all IMAGE")]
    public void An_interrupt_at_any_request_leaves_an_image_in_order(string line)
    {
        byte[] guest = GuestView(_folder.File("before"));
        string[] files = [_path, _folder.File("below.raw")];
        byte[][] contents = [.. files.Select(File.ReadAllBytes)];
        int requestCount = 0;
        for (bool hasInterrupted = true; hasInterrupted;)
        {
            Restore(files, contents);
            string step = $"{line}, interrupted at request {++requestCount}";
            (ToolRun run, hasInterrupted) = Interrupted(line, requestCount);
            Assert.That(run.ExitCode, hasInterrupted ? Is.Zero.Or.EqualTo(130) : Is.Zero, () => $"{step}: exit code ({run.Error})");
            CheckImage(guest, step);
            ToolRun again = ToolRun.Own(["img", .. Words(line, _path)]);
            Assert.That(again.ExitCode == 0 || run.ExitCode == 0, Is.True, () => $"{step}: the next time ({again.Error})");
            CheckImage(guest, $"{step}, and done again");
        }

        Assert.That(requestCount, Is.GreaterThan(5), "requests");
    }

    private static void Own(string line) => Assert.That(ToolRun.Own(line.Split(' ')).ExitCode, Is.Zero, line);

    private static void Restore(string[] files, byte[][] contents)
    {
        foreach ((string file, byte[] bytes) in files.Zip(contents))
        {
            File.WriteAllBytes(file, bytes);
        }
    }

    private string[] Words(string line, string image) =>
        [.. line.Split(' ').Select(word => word switch { "''" => "", "IMAGE" => image, "OTHER" => _folder.File("other.raw"), _ => word })];

    private (ToolRun Run, bool HasInterrupted) Interrupted(string line, int atRequest)
    {
        TestConsole console = new();
        InterruptingDriver driver = new(atRequest, console.Interrupt);
        string[] words = Words(line, $"driver=qcow2,file.driver={driver.Name},file.file.filename={_path}");
        return (ToolRun.With([driver], console, "qemu-img", [words[0], "--image-opts", .. words[1..]]), driver.HasInterrupted);
    }

    private void CheckImage(byte[] guest, string step)
    {
        ToolRun check = ToolRun.Own("img", "check", _path);
        Assert.That(check.ExitCode, Is.Zero, () => $"{step}: the image ({check.Out}{check.Error})");
        Assert.That(ToolRun.Own("img", "info", _path).Out, Does.Not.Contain("in-use"), () => $"{step}: its bitmaps");
        Assert.That(GuestView(_folder.File("after")).AsSpan(0, guest.Length).SequenceEqual(guest), Is.True, () => $"{step}: what the guest reads");
    }

    private byte[] GuestView(string copy)
    {
        Own($"img convert -O raw {_path} {copy}");
        return File.ReadAllBytes(copy);
    }
}
