using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>The commands that work on whole images, by the name qemu-img and beside the installed program: what is printed where, the exit code, the bytes that come out.</summary>
[TestFixture]
public sealed class QemuImgWorkTests
{
    private const string Program = "/usr/bin/qemu-img";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // ZERO: 1 MiB of holes. FULL: the same, stored. DATA: 192 KiB of data, then a hole. ONE: a byte in a hole. LONG: 2 MiB of holes. OUT: nothing yet. DIR: a folder.
    [TestCase("compare -f raw -F raw", "ZERO FULL", "ZERO ONE", "-q ZERO ONE", "-s ZERO FULL", "ZERO LONG", "LONG ZERO", "-s ZERO LONG", "-p ZERO FULL", "-p DATA ZERO", "-p ZERO LONG", "-p LONG ZERO", "-U ZERO ONE", "-T none ZERO ONE")]
    [TestCase("compare", "ZERO OUT", "ZERO", "ZERO ONE LONG", "-f bad ZERO ONE", "-Z ZERO ONE", "--image-opts -f raw ZERO ONE", "-T bad ZERO ONE", "--image-opts driver=raw,file.filename=ZERO driver=raw,file.filename=ONE")]
    [TestCase("map", "ZERO", "-f raw ONE", "--output=json ONE", "--output=human ONE", "--output=foo ONE", "-s 64k -l 64k --output=json ONE", "--start-offset=100 --max-length=200000 --output=json ONE", "-s bad ONE", "-l bad ONE", "-s 4M --output=json ONE", "-s -1 ONE", "", "ONE ONE", "OUT", "-Z ONE", "-l 0 --output=json ONE")]
    [TestCase("map --image-opts", "driver=null-co,size=1M", "--output=json driver=null-co,size=1M", "--output=json driver=null-co,size=1M,read-zeroes=on", "-f raw driver=null-co", "--output=json driver=raw,offset=64k,size=64k,file.filename=ONE")]
    [TestCase("measure", "ZERO", "", "--size 1M", "--size 1000", "--size 1M ZERO", "--size bad", "--size -1", "-O raw --size 1G", "-O bad --size 1G", "--output=json DATA", "--output=json -O raw --size 1T", "--output=x ZERO", "-o size=3 --size 1M", "-o foo=3 --size 1M", "-f raw --size 1M", "-l x DATA", "ZERO ONE", "OUT", "--size 16E", "--size 9223372036854775807")]
    [TestCase("convert -f raw -O raw", "DATA OUT", "-p DATA OUT", "-q -p DATA OUT", "-S 0 DATA OUT", "-S 64k ONE OUT", "-S 512 ONE OUT", "-C DATA OUT", "-m 16 -W DATA OUT", "-m 1 DATA OUT", "-r 1G DATA OUT", "-U DATA OUT", "--salvage DATA OUT", "-t writethrough -T writeback DATA OUT", "DATA ONE OUT", "-o size=2M DATA OUT", "-o preallocation=full DATA OUT", "-n DATA LONG", "-n --target-is-zero DATA LONG", "-n LONG ZERO", "-n DATA OUT")]
    [TestCase("convert", "", "DATA", "OUT OUT", "-O bad DATA OUT", "-f bad DATA OUT", "-O raw DATA DIR/none/x", "-O raw DATA DIR", "-n -o foo=3 -O raw DATA LONG", "-o foo=3 -O raw DATA OUT", "-o help -O raw DATA OUT", "-o preallocation=foo -O raw DATA OUT", "-c -O raw DATA OUT", "-O null-co DATA OUT", "-O raw DATA DATA")]
    [TestCase("convert -O raw", "-C -c DATA OUT", "-C -S 4k DATA OUT", "-C --salvage DATA OUT", "-S bad DATA OUT", "-S 1000 DATA OUT", "-S -1 DATA OUT", "-S 3G DATA OUT", "-m 0 DATA OUT", "-m 17 DATA OUT", "-m bad DATA OUT", "-r bad DATA OUT", "-r -1 DATA OUT", "-l x DATA OUT", "-l snapshot.id=1 DATA OUT", "-l snapshot.foo=1 DATA OUT", "-l x --bitmaps DATA OUT", "-l 1 DATA ONE OUT", "-B ZERO DATA OUT", "-B ZERO -F raw DATA OUT", "-F raw DATA OUT", "-t bad DATA OUT", "-T bad DATA OUT", "--target-is-zero DATA OUT", "--bitmaps DATA OUT", "--bitmaps DATA DATA OUT", "--target-image-opts DATA driver=raw,file.filename=OUT", "-s x DATA OUT", "--foo DATA OUT", "-S")]
    [TestCase("convert --image-opts", "driver=raw,file.filename=DATA OUT", "-f raw driver=raw,file.filename=DATA OUT", "-n --target-image-opts driver=raw,file.filename=DATA driver=raw,file.filename=LONG", "-n --target-image-opts driver=raw,file.filename=DATA driver=raw,file.filename=OUT", "driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=read,image.driver=raw,image.file.filename=DATA OUT")]
    [TestCase("dd", "if=DATA of=OUT", "-f raw -O raw bs=64k count=2 if=DATA of=OUT", "bs=64k skip=2 if=DATA of=OUT", "bs=64k skip=100 if=DATA of=OUT", "bs=64k skip=1 count=2 if=DATA of=OUT", "bs=64k skip=2 count=2 if=DATA of=OUT", "bs=64k skip=3 count=2 if=DATA of=OUT", "bs=3 count=5 if=DATA of=OUT", "bs=bad if=DATA of=OUT", "bs=0 if=DATA of=OUT", "bs=3G if=DATA of=OUT", "count=bad if=DATA of=OUT", "count=0 if=DATA of=OUT", "skip=-1 if=DATA of=OUT", "if=DATA of=OUT foo=1", "if=DATA of=OUT foo", "if=DATA", "", "-f bad if=DATA of=OUT", "-O bad if=DATA of=OUT", "if=OUT of=OUT", "if=DATA of=DIR/none/x", "-U if=DATA of=OUT", "--bad if=DATA of=OUT", "bs=1M count=99999999999 if=DATA of=OUT")]
    [TestCase("rebase", "", "ZERO", "-b LONG ZERO", "-f raw -b LONG ZERO", "-f raw -u -b LONG ZERO", "-f raw -u -b LONG -F raw ZERO", "-f raw -b LONG -F raw ZERO", "-f raw -b OUT -F raw ZERO", "-f raw -b LONG -F bad ZERO", "-t bad -b LONG ZERO", "-T bad -b LONG ZERO", "--image-opts -f raw -b LONG ZERO", "-b LONG OUT", "-p -f raw -b LONG -F raw ZERO")]
    [TestCase("create", "OUT 1000", "-f raw -o preallocation=full OUT 1025", "-q OUT 512")]
    [TestCase("resize -f raw", "--preallocation=full ZERO 1M", "--preallocation=off ZERO 1M", "--preallocation=falloc ZERO 1M", "--shrink --preallocation=full ZERO 512k", "ZERO 1100000")]
    [TestCase("commit", "", "-f raw ZERO", "ZERO", "-f bad ZERO", "OUT", "-f raw -b LONG ZERO", "-f raw -d ZERO", "-f raw -p ZERO", "-t bad ZERO", "-r bad ZERO", "-f raw -r 1M ZERO", "ZERO ONE", "--image-opts driver=raw,file.filename=ZERO")]
    public void Everything_is_as_the_installed_program_does_it(string command, params string[] rests)
    {
        if (!File.Exists(Program))
        {
            Assert.Ignore("missing program: qemu-img");
        }

        foreach (string rest in rests)
        {
            string line = $"{command} {rest}".TrimEnd();
            MakeFiles();
            string[] arguments = [.. line.Split(' ').Select(Expand)];
            (string theirs, string theirErrors, int theirCode) = RunTheirs(arguments);
            Dictionary<string, byte[]> theirFiles = ReadFiles();
            MakeFiles();
            ToolRun ours = ToolRun.By("qemu-img", "", arguments);
            Assert.That(ours.Out, Is.EqualTo(theirs), $"{line}: standard output");
            Assert.That(ours.Error, Is.EqualTo(theirErrors), $"{line}: standard error");
            Assert.That(ours.ExitCode, Is.EqualTo(theirCode), $"{line}: exit code");
            Assert.That(ReadFiles().Keys, Is.EquivalentTo(theirFiles.Keys), $"{line}: the files");
            foreach ((string name, byte[] bytes) in ReadFiles())
            {
                Assert.That(bytes.AsSpan().SequenceEqual(theirFiles[name]), Is.True, $"{line}: {name}");
            }
        }
    }

    private static (string Out, string Error, int ExitCode) RunTheirs(string[] arguments)
    {
        ProcessStartInfo start = new(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (output, errors, process.ExitCode);
    }

    private string Expand(string word) =>
        new[] { "ZERO", "FULL", "DATA", "ONE", "LONG", "OUT", "DIR" }.Aggregate(word, (text, name) => text.Replace(name, _folder.File(name.ToLowerInvariant() + ".img"), StringComparison.Ordinal));

    private void MakeFiles()
    {
        foreach (string old in Directory.GetFiles(_folder.Path))
        {
            File.Delete(old);
        }

        Directory.CreateDirectory(_folder.File("dir.img"));
        _folder.Image("zero.img", 1 << 20);
        _folder.Image("long.img", 2 << 20);
        File.WriteAllBytes(_folder.File("full.img"), new byte[1 << 20]);
        Fill("data.img", 0, [.. Enumerable.Range(0, 192 << 10).Select(i => (byte)(1 + (((i * 7) + (i / 251)) % 255)))]);
        Fill("one.img", 70_001, [1]);
    }

    private void Fill(string name, long offset, byte[] bytes)
    {
        using FileStream file = new(_folder.Image(name, 1 << 20), FileMode.Open);
        file.Position = offset;
        file.Write(bytes);
    }

    private Dictionary<string, byte[]> ReadFiles() => Directory.GetFiles(_folder.Path).ToDictionary(name => Path.GetFileName(name), File.ReadAllBytes);
}
