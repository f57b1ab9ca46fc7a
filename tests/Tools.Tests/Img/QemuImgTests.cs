using System.Diagnostics;
using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>The program by the name qemu-img: beside the installed one where there is one, and by itself where the two must differ.</summary>
[TestFixture]
public partial class QemuImgTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // What each group of command lines is about stands in front; IMG is an image of 1 MiB of zeros.
    [TestCase("the command", "", "foo", "-x")]
    [TestCase("counts", "bench -c 10 -f raw IMG", "bench -f raw -c 0 IMG", "bench -f raw -c -1 IMG", "bench -f raw -c x IMG", "bench -f raw -c 1k IMG", "bench -f raw -c 2147483648 IMG", "bench -f raw -c 4294967296 IMG", "bench -f raw -c 0x10 IMG", "bench -f raw -c 010 IMG", "bench -f raw -c  IMG")]
    [TestCase("depths", "bench -f raw -d -1 IMG", "bench -f raw -d x IMG", "bench -f raw -d 2147483648 IMG", "bench -f raw -d 0 -c 0 IMG", "bench -f raw -d 1000 -c 3 IMG")]
    [TestCase("offsets", "bench -f raw -o x IMG", "bench -f raw -o -1 IMG", "bench -f raw -o 1k -c 10 IMG", "bench -f raw -o 1M -c 10 IMG", "bench -f raw -o 1000k -c 10 IMG", "bench -f raw -o 9E -c 10 IMG", "bench -f raw -o 16E -c 10 IMG", "bench -f raw -o 99999999999999999999 -c 1 IMG", "bench -f raw -o 1.5k -c 10 IMG", "bench -f raw -o 0x1000 -c 5 IMG", "bench -f raw -o 1b -c 5 IMG", "bench -f raw -o 9223372036854775807 -c 5 IMG")]
    [TestCase("sizes", "bench -f raw -s 0 -c 10 IMG", "bench -f raw -s x IMG", "bench -f raw -s 1.5 IMG", "bench -f raw -s 1 -c 10 IMG", "bench -f raw -s 2M -c 10 IMG", "bench -f raw -s 2G IMG", "bench -f raw -s 2147483648 IMG")]
    [TestCase("steps", "bench -f raw -S 0 -c 10 IMG", "bench -f raw -S x IMG", "bench -f raw -S 2147483647 -c 10 IMG", "bench -f raw -S 2147483648 IMG", "bench -f raw -S 100000 -s 512 -c 30 IMG")]
    [TestCase("cache modes", "bench -f raw -t foo IMG", "bench -f raw -t  IMG", "bench -f raw -t writeback -c 10 -w IMG", "bench -f raw -t writethrough -c 10 -w IMG", "bench -f raw -t unsafe -c 10 -w IMG")]
    [TestCase("flushes", "bench -f raw --flush-interval=4 -c 10 -w IMG", "bench -f raw --flush-interval=4 -c 10 IMG", "bench -f raw --flush-interval=0 -c 10 -w IMG", "bench -f raw --flush-interval=-1 -w IMG", "bench -f raw --flush-interval=x -w IMG", "bench -f raw --flush-interval=4 -d 4 -c 10 -w IMG", "bench -f raw --flush-interval=4 -d 4 --no-drain -c 10 -w IMG", "bench -f raw --no-drain -c 10 IMG", "bench -f raw --flush-interval=2147483648 -w IMG")]
    [TestCase("patterns", "bench -f raw --pattern=256 -w IMG", "bench -f raw --pattern=-1 -w IMG", "bench -f raw --pattern=x -w IMG", "bench -f raw --pattern= IMG", "bench -f raw --pattern=0xab -c 10 -w IMG", "bench -f raw --pattern=0xcd -c 100 -o 5000 -s 700 -S 9000 -w IMG", "bench -f raw --pattern=255 -c 10 IMG")]
    [TestCase("sharing", "bench -f raw -U -c 10 IMG", "bench -f raw -U -w -c 10 IMG", "bench -qwU -c5 -fraw IMG")]
    [TestCase("option strings", "bench --image-opts -c 10 driver=null-co", "bench --image-opts -f raw -c 10 driver=null-co", "bench --image-opts driver=foo", "bench --image-opts driver=", "bench --image-opts -c 10 driver=null-co,size=1024", "bench --image-opts -d 1 -c 5 driver=null-co,size=4097", "bench --image-opts foo", "bench --image-opts driver=null-co,read-zeroes -c 1", "bench --image-opts driver=null-co,zz=3 -c 1", "bench --image-opts -w driver=null-co,read-only=on", "bench --im -c 4 driver=null-co")]
    [TestCase("failures", "bench --image-opts -w -d 1 -c 5 --flush-interval 2 driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=flush,image.driver=null-co", "bench --image-opts -w -d 1 -c 5 --flush-interval 2 --no-drain driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=flush,image.driver=null-co", "bench --image-opts -w -d 4 -c 5 driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=28,image.driver=null-co", "bench -f raw nofile", "bench -f foo IMG")]
    [TestCase("command lines", "bench -c 10 -f raw", "bench -c 10 -f raw a b", "bench -x", "bench --nope", "bench -c", "bench --pattern", "bench -f", "bench --count=5 IMG", "bench --no-drain=3 IMG", "bench --n -f raw -c 5 IMG", "bench -- -c", "bench -f raw -c 3 -- IMG", "bench -q -c5 -d2 -fraw -o512 IMG", "bench -f raw -c 5 -c 6 -d 1 -s 512 -S 1k -S 3 IMG", "bench -c 10 IMG", "bench -c 10 -f raw IMG -w -q", "bench -f raw -c 5 null-co://")]
    [TestCase("which fault is told first", "bench --flush-interval=4", "bench --flush-interval=4 IMG --image-opts -f raw", "bench --image-opts -f raw", "bench -w --flush-interval=4 --image-opts -f raw x", "bench -t foo -c x x", "bench -c x -t foo x", "bench -t foo a b", "bench -i foo -c x a b", "bench -c x -h", "bench -i auto IMG", "bench --image-opts -i io_uring -n -d 1 -c 5 driver=null-co")]
    public void Everything_is_as_the_installed_program_does_it(string what, params string[] commandLines)
    {
        const string Program = "/usr/bin/qemu-img";
        if (!File.Exists(Program))
        {
            Assert.Ignore("missing program: qemu-img");
        }

        foreach (string line in commandLines)
        {
            string image = _folder.File("t.img");
            File.WriteAllBytes(image, new byte[1 << 20]);
            string[] arguments = line.Length == 0 ? [] : [.. line.Split(' ').Select(word => word == "IMG" ? image : word)];
            ProcessStartInfo start = new(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string theirs = Timeless(process.StandardOutput.ReadToEnd());
            string theirErrors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            byte[] theirBytes = File.ReadAllBytes(image);
            File.WriteAllBytes(image, new byte[1 << 20]);
            ToolRun ours = ToolRun.By("qemu-img", "", arguments);
            Assert.That(Timeless(ours.Out), Is.EqualTo(theirs), $"{what}: {line}: standard output");
            Assert.That(ours.Error, Is.EqualTo(theirErrors), $"{what}: {line}: standard error");
            Assert.That(ours.ExitCode, Is.EqualTo(process.ExitCode), $"{what}: {line}: exit code");
            Assert.That(File.ReadAllBytes(image).AsSpan().SequenceEqual(theirBytes), Is.True, $"{what}: {line}: the image");
        }
    }

    [Test]
    public void A_depth_of_nothing_is_refused_where_qemu_img_waits_for_ever() =>
        Assert.That(ToolRun.By("qemu-img", "", "bench", "-d", "0", "--image-opts", "driver=null-co").Error, Is.EqualTo("qemu-img: Invalid queue depth specified\n"));

    [Test]
    public void An_empty_image_fails_the_request_where_qemu_img_divides_by_its_length() =>
        Assert.That(ToolRun.By("qemu-img", "", "bench", "--image-opts", "driver=null-co,size=0").Error, Is.EqualTo("qemu-img: Failed request: Input/output error\n"));

    [Test]
    public void More_buffers_than_there_is_memory_for_are_refused_where_qemu_img_aborts() =>
        Assert.That(
            ToolRun.By("qemu-img", "", "bench", "-d", "2147483647", "-c", "2147483647", "--image-opts", "driver=null-co").Error,
            Is.EqualTo("qemu-img: Cannot allocate 2147483647 buffers of 4096 bytes\n"));

    [TestCase("usage: qemu-img [-h]", "-h")]
    [TestCase("usage: qemu-img [-h]", "--help")]
    [TestCase("usage: qemu-img bench [-c N]", "bench", "-h")]
    [TestCase("usage: qemu-img bench [-c N]", "bench", "-c", "5", "--help", "x")]
    public void Help_is_no_failure(string usage, params string[] arguments)
    {
        ToolRun run = ToolRun.By("qemu-img", "", arguments);
        Assert.That(run.Out, Does.Contain(usage));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [TestCase("-V")]
    [TestCase("--version")]
    public void The_version_has_a_number_where_scripts_look_for_it(string argument) =>
        Assert.That(ToolRun.By("qemu-img", "", argument).Out, Does.Match(@"^qemu-img version [0-9]+\.[0-9]+\.[0-9]+ \(blockgraph [0-9.]+\)\n$"));

    private static string Timeless(string output) => SecondsPattern().Replace(output, "in T seconds");

    [GeneratedRegex(@"in [0-9.]+ seconds")]
    private static partial Regex SecondsPattern();
}
