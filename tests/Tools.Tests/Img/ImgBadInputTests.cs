namespace BlockGraph.Tools.Tests.Img;

/// <summary>
/// What a user may get wrong, held against every image command: an image that is not there, is a folder, or is described by broken JSON, numbers that are none, options that do not go
/// together. By the name qemu-img everything is as the installed program does it; by the own name it is one line that names what is at fault. Nothing is made or changed.
/// </summary>
[TestFixture]
public sealed class ImgBadInputTests
{
    // IMAGE is what is wrong, OK a file of 1 MiB, OUT is not there yet.
    private static readonly string[] s_commands =
    [
        "info IMAGE", "info --output=json IMAGE", "info --backing-chain IMAGE", "map IMAGE", "map -f raw --output=json IMAGE", "check IMAGE", "check -r all IMAGE", "check -f raw --output=json IMAGE",
        "measure IMAGE", "measure -f raw -O raw IMAGE", "compare IMAGE OK", "compare OK IMAGE", "convert IMAGE OUT", "convert -f raw -O raw IMAGE OUT", "convert -n OK IMAGE", "convert -B IMAGE -F raw OK OUT",
        "dd if=IMAGE of=OUT", "dd -f raw if=IMAGE of=OUT", "resize IMAGE 2M", "resize -f raw IMAGE +1M", "snapshot IMAGE", "snapshot -l IMAGE", "snapshot -c s IMAGE", "snapshot -a s IMAGE", "snapshot -d s IMAGE",
        "rebase -b OK -F raw IMAGE", "rebase -f raw -u -b OK -F raw IMAGE", "commit IMAGE", "commit -f raw -b OK IMAGE", "bench -c 1 IMAGE", "bench -f raw -w -c 1 IMAGE", "amend -o size=1 IMAGE",
        "bitmap --add IMAGE b", "bitmap --merge x -b IMAGE OK b", "create -f raw -b IMAGE OUT",
    ];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new TemporaryFolder();
        _folder.Image("ok.img", 1 << 20);
        Directory.CreateDirectory(_folder.File("dir.img"));
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("MISSING")]
    [TestCase("MISSING/x")]
    [TestCase("DIR")]
    [TestCase("foo:x")]
    [TestCase("")]
    [TestCase("json:{")]
    [TestCase("json:")]
    [TestCase("json:[1]")]
    [TestCase("json:{'driver':'raw','file':{'driver':'file','filename':'OK'}")]
    [TestCase("json:{'driver':'nope'}")]
    [TestCase("json:{'driver':'raw'}")]
    [TestCase("json:{'driver':'raw','file':{'driver':'file'}}")]
    [TestCase("json:{'driver':'raw','file':{'driver':'file','filename':'MISSING'}}")]
    [TestCase("json:{'driver':'raw','nope':1,'file':{'driver':'file','filename':'OK'}}")]
    [TestCase("json:{'driver':'raw','size':'x','file':{'driver':'file','filename':'OK'}}")]
    public void No_command_takes_an_image_that_cannot_be_opened(string image)
    {
        foreach (string command in s_commands)
        {
            string[] arguments = [.. command.Split(' ').Select(word => Expand(word.Replace("IMAGE", image, StringComparison.Ordinal)))];
            string line = $"{command}, IMAGE={image}";
            HoldBesideInstalled(line, arguments);
            ToolRun own = ToolRun.Own(["img", .. arguments]);
            Assert.That(own.Error, Does.Match("^(blockgraph: warning: [^\n]*\n)?blockgraph: [^\n]+\n$"), $"{line}: one line by the own name");
            Assert.That(own.ExitCode, Is.Not.Zero, $"{line}: exit code by the own name");
            if (image is "MISSING" or "DIR" && !own.Error.Contains("not supported", StringComparison.Ordinal))
            {
                Assert.That(own.Error, Does.Contain(Expand(image)), $"{line}: it is named");
            }

            CheckFolder(line);
        }
    }

    // By the own name a command may know more, and go on; what is wrong to both is wrong in one line.
    [TestCase("create", "-f", "OUT", "OUT x", "OUT 1X", "OUT -1", "OUT 1M 2M", "OUT 16E", "-o size=1M OUT 1M", "-o size=x OUT", "-o x=1 OUT 1M", "-o , OUT 1M", "-o preallocation=some OUT 1M", "-o nocow=maybe OUT 1M", "-f nope OUT 1M", "-f RAW OUT 1M", "-F raw OUT 1M", "-u OUT", "-Z OUT 1M", "DIR 1M", "DIR/x/y 1M", "OK/x 1M", "--object nope,id=a OUT 1M")]
    [TestCase("info", "OK OK", "-f nope OK", "--output=x OK", "--output OK", "-U -f raw", "--image-opts OK", "--image-opts -f raw driver=raw,file.filename=OK", "--image-opts driver=raw,file.filename=OK,nope=1", "--image-opts driver=raw,file.filename=OK,size=x", "--backing OK OK", "--nope OK", "--object x OK")]
    [TestCase("check", "OK", "-f raw OK", "-r OK", "-r some OK", "-f nope OK", "--output=x OK", "-T often OK", "OK OK", "--image-opts -f raw driver=raw,file.filename=OK", "-r all -r leaks -r x OK")]
    [TestCase("resize", "OK", "OK x", "OK -5M", "OK +16E", "OK 0", "OK -1M", "-f nope OK 2M", "-f raw OK 512k", "-f raw --shrink OK -2M", "-f raw --preallocation=some OK 2M", "-f raw --shrink --preallocation=full OK 4k", "-f raw --preallocation=metadata OK 2M", "--image-opts -f raw driver=raw,file.filename=OK 2M", "OK OK 2M", "-f raw OK 99E", "-f raw OK 8E")]
    [TestCase("snapshot", "-c OK", "-d x OK", "-c x OK", "-l -c x OK", "-a x -d x OK", "OK OK", "-q -Z OK", "--image-opts OK", "-c")]
    [TestCase("amend", "OK", "-o x=1 OK", "-o OK", "-f raw -o size=1 OK", "-f nope -o size=1 OK", "-o help", "-f nope -o help", "-f raw -o help", "-t often -o x=1 OK", "-o x=1 OK OK", "-o , OK", "--force OK")]
    [TestCase("bitmap", "OK b", "--add OK", "--add -g x OK b", "--add -g 3 OK b", "--add -g 256 OK b", "-g 64k --remove OK b", "--remove OK b", "--clear OK b", "--enable OK b", "--disable OK b", "--merge OK b", "--merge x OK b", "-F raw --merge x OK b", "-b OK --add OK b", "-b MISSING --merge x OK b", "--add -f nope OK b", "--add OK b c", "--nope OK b")]
    [TestCase("measure", "-f nope OK", "-O nope OK", "--size 1M -l x", "--image-opts -f raw driver=raw,file.filename=OK", "-o preallocation=some --size 1M", "--output=x --size 1M")]
    [TestCase("commit", "-f raw -r x OK", "-f raw -b MISSING OK", "-d -b OK -t x OK", "--image-opts -f raw driver=raw,file.filename=OK")]
    [TestCase("bench", "-c 1 --flush-interval=1 OK", "-c 1 -i nope OK", "-c x OK", "-d 0 -c x OK", "-c 1 -t nope OK", "-f raw -c 1 -s 0x OK")]
    [TestCase("dd", "if=OK of=DIR", "if=OK of=DIR/x/y", "bs=1Z if=OK of=OUT", "count=-1 if=OK of=OUT", "if=OK", "of=OUT", "if=OK of=OUT of", "-O nope if=OK of=OUT", "--image-opts -f raw if=driver=raw,file.filename=OK of=OUT")]
    public void A_command_line_that_makes_no_sense_is_refused(string command, params string[] rests)
    {
        foreach (string rest in rests)
        {
            string line = $"{command} {rest}";
            string[] arguments = [.. line.Split(' ').Select(Expand)];
            HoldBesideInstalled(line, arguments);
            ToolRun own = ToolRun.Own(["img", .. arguments]);
            Assert.That(own.Error, Does.Match("^(blockgraph: warning: [^\n]+\n)?(blockgraph: [^\n]+\n)?$"), $"{line}: at most one line by the own name");
            Assert.That(own.ExitCode == 0, Is.EqualTo(own.Error.Split('\n').All(told => told.Length == 0 || told.Contains(": warning: ", StringComparison.Ordinal))), $"{line}: a line where it has failed");
            CheckFolder(line);
        }
    }

    private void HoldBesideInstalled(string line, string[] arguments)
    {
        ToolRun theirs = InstalledProgram.Run("qemu-img", "", arguments);
        CheckFolder($"{line} (theirs)");
        ToolRun ours = ToolRun.By("qemu-img", "", arguments);
        Assert.That(ours, Is.EqualTo(theirs), line);
        CheckFolder(line);
    }

    // What may be made is removed; what there was must be as it was.
    private void CheckFolder(string line)
    {
        Assert.That(Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName), Is.EquivalentTo(new[] { "ok.img", "dir.img" }), $"{line}: nothing new is there");
        Assert.That(new FileInfo(_folder.File("ok.img")).Length, Is.EqualTo(1 << 20), $"{line}: what was there is as it was");
        Assert.That(Directory.GetFileSystemEntries(_folder.File("dir.img")), Is.Empty, $"{line}: nothing is in the folder");
    }

    private string Expand(string word) =>
        new[] { "OK", "OUT", "DIR", "MISSING" }.Aggregate(word.Replace('\'', '"'), (text, name) => text.Replace(name, _folder.File(name.ToLowerInvariant() + ".img"), StringComparison.Ordinal));
}
