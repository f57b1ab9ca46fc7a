using System.Buffers.Binary;
using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>An interrupt (SIGINT) in the middle of each command that may take long: it ends with 130, closes what it has open, and leaves nothing that was not finished but what is named.</summary>
[TestFixture]
public sealed class ImgInterruptTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // SLOW is an image of 1 GiB, of which a mebibyte is read or written in a second. Each would take minutes.
    [TestCase("convert", "-p", "-n", "--image-opts", "--target-image-opts", "SLOW", "driver=null-co,size=1G")]
    [TestCase("convert", "-p", "-n", "--image-opts", "--target-image-opts", "driver=null-co,size=1G", "SLOW")]
    [TestCase("convert", "-p", "-r", "1k", "--image-opts", "driver=null-co,size=1G,read-zeroes=off", "NEW")]
    [TestCase("compare", "-p", "--image-opts", "SLOW", "driver=null-co,size=1G,latency-ns=1000")]
    [TestCase("dd", "--image-opts", "if=SLOW", "of=NEW")]
    [TestCase("bench", "-c", "1000000000", "--image-opts", "SLOW")]
    [TestCase("bench", "-w", "-c", "1000000000", "-d", "4", "--flush-interval", "4", "--image-opts", "SLOW")]
    public void A_command_ends_with_130_and_closes_what_it_has_open(params string[] words)
    {
        // A throttle lets its first second through at once: the command is in the middle of its work whenever it is interrupted.
        foreach (string program in new[] { "blockgraph", "qemu-img" })
        {
            // By the well-known name bench makes no objects. It has more requests than it could ever make.
            bool isThrottled = (program, words[0]) != ("qemu-img", "bench");
            string slow = isThrottled ? "driver=throttle,throttle-group=g,file.driver=null-co,file.size=1G,file.read-zeroes=off" : "driver=null-co,size=1G,read-zeroes=off";
            string[] made = isThrottled ? ["--object", "throttle-group,id=g,x-bps-total=1048576"] : [];
            string[] arguments = [words[0], .. made, .. words[1..].Select(word => word.Replace("SLOW", slow, StringComparison.Ordinal).Replace("NEW", _folder.File("new"), StringComparison.Ordinal))];
            (int exitCode, string errors) = Interrupt(program, arguments, words[0] == "dd" ? _ => File.Exists(_folder.File("new")) : null);
            File.Delete(_folder.File("new"));
            string named = words[0] is "convert" or "dd" ? $" ('{arguments[^1].Replace("of=", "", StringComparison.Ordinal)}' is incomplete)" : "";
            Assert.That(errors, Is.EqualTo(program == "blockgraph" ? $"blockgraph: interrupted{named}\n" : ""), $"{program}: what it says");
            Assert.That(exitCode, Is.EqualTo(130), $"{program}: exit code");
        }
    }

    [Test]
    public void What_create_has_made_by_then_is_removed()
    {
        string small = _folder.File("small");
        Directory.CreateDirectory(small);
        using SmallFileSystem mount = new(small, "3g");
        string path = Path.Combine(small, "new.img");
        (int exitCode, _) = Interrupt("qemu-img", ["create", "-q", "-o", "preallocation=full", path, "2900M"], _ => File.Exists(path));
        Assert.That(exitCode, Is.EqualTo(130), "exit code");
        Assert.That(File.Exists(path), Is.False, "the file");
    }

    [Test]
    public void What_resize_has_begun_is_taken_back()
    {
        string small = _folder.File("small");
        Directory.CreateDirectory(small);
        using SmallFileSystem mount = new(small, "3g");
        string path = Path.Combine(small, "old.img");
        File.WriteAllBytes(path, [1, 2, 3]);
        (int exitCode, _) = Interrupt("qemu-img", ["resize", "-q", "-f", "raw", "--preallocation=full", path, "2900M"], _ => new FileInfo(path).Length > 3);
        Assert.That(exitCode, Is.EqualTo(130), "exit code");
        Assert.That(File.ReadAllBytes(path), Is.EqualTo(new byte[] { 1, 2, 3 }), "the file");
    }

    [Test]
    public void What_resize_has_begun_of_a_qcow2_image_is_taken_back_and_is_done_the_next_time()
    {
        string small = _folder.File("small");
        Directory.CreateDirectory(small);
        using SmallFileSystem mount = new(small, "3g");
        string path = Path.Combine(small, "old.qcow2");
        Assert.That(ToolRun.Own("img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=2M", path, "64M").ExitCode, Is.Zero);
        long oldBytes = new FileInfo(path).Length;
        (int exitCode, _) = Interrupt("qemu-img", ["resize", "-q", "--preallocation=full", path, "2800M"], _ => new FileInfo(path).Length > 64 << 20);
        Assert.That(exitCode, Is.EqualTo(130), "exit code");
        Assert.That(ToolRun.Own("img", "info", path).Out, Does.Contain("virtual size: 64 MiB"), "the length");
        Assert.That(new FileInfo(path).Length, Is.LessThan(oldBytes + (32 << 20)), "what it takes");
        Assert.That(ToolRun.Own("img", "check", path).Out, Does.StartWith("No errors"), "the image is whole");
        Assert.That(ToolRun.Own("img", "resize", "-q", "--preallocation=metadata", path, "2800M").ExitCode, Is.Zero, "the next time");
        Assert.That(ToolRun.Own("img", "check", path).Out, Does.StartWith("No errors"), "the image is whole then");
    }

    // As many iterations as are accepted take seconds.
    [Test]
    public void The_search_for_a_key_ends_at_once()
    {
        const int IterationsOffset = 208 + 4;
        string path = _folder.File("locked.luks");
        string[] secret = ["--object", "secret,id=s,data=abc"];
        Assert.That(ToolRun.Own(["img", "create", "-q", "-f", "luks", .. secret, "-o", "key-secret=s,iter-time=10", path, "1M"]).ExitCode, Is.Zero);
        using (FileStream file = new(path, FileMode.Open) { Position = IterationsOffset })
        {
            byte[] iterations = new byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(iterations, 20_000_000);
            file.Write(iterations);
        }

        (int exitCode, string errors) = Interrupt("blockgraph", ["map", .. secret, "--image-opts", $"driver=luks,key-secret=s,file.filename={path}"], process => Holds(process, path));
        Assert.That((exitCode, errors), Is.EqualTo((130, "blockgraph: interrupted\n")), "exit code and what it says");
    }

    // What is found is told at once, and nobody reads it: the program waits in the middle of the check.
    [TestCase("check")]
    [TestCase("check -r leaks")]
    public void A_check_leaves_what_it_has_not_mended_for_the_next(string line)
    {
        string path = _folder.File("leaky.qcow2");
        Assert.That(ToolRun.Own("img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=512,preallocation=metadata", path, "2M").ExitCode, Is.Zero);
        using (FileStream file = new(path, FileMode.Open))
        {
            // Nothing leads to any cluster of the guest's any more.
            byte[] header = new byte[512];
            file.ReadExactly(header);
            file.Position = BinaryPrimitives.ReadInt64BigEndian(header.AsSpan(40));
            file.Write(new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(36)) * sizeof(ulong)]);
        }

        (int exitCode, string errors) = Interrupt("qemu-img", [.. line.Split(' '), path], hasBegun: null, isHeldByErrors: true);
        Assert.That(exitCode, Is.EqualTo(130), "exit code");
        Assert.That(errors, Does.StartWith("Leaked cluster").Or.StartWith("Repairing cluster"), "what it says");
        Assert.That(ToolRun.Own("img", "check", path).ExitCode, Is.EqualTo(3), "leaks are left, and nothing worse");
        Assert.That(ToolRun.Own("img", "check", "-r", "leaks", path).ExitCode, Is.Zero, "the next time");
        Assert.That(ToolRun.Own("img", "check", path).Out, Does.StartWith("No errors"), "the image is whole then");
    }

    // A tenth of a second for each request: to open the image alone takes many.
    [TestCase("check IMAGE")]
    [TestCase("check -r all IMAGE")]
    [TestCase("map IMAGE")]
    [TestCase("measure -O qcow2 IMAGE")]
    [TestCase("amend -o compat=1.1,refcount_bits=64,size=8M IMAGE")]
    [TestCase("snapshot -d s0 IMAGE")]
    [TestCase("resize --preallocation=metadata IMAGE 8M")]
    [TestCase("bitmap --merge b1 IMAGE b2")]
    [TestCase("bitmap --clear IMAGE b1")]
    [TestCase("snapshot -c s1 IMAGE")]
    [TestCase("commit -d IMAGE")]
    [TestCase("rebase -b '' IMAGE")]
    public void A_command_on_a_qcow2_image_closes_it_leaves_it_in_order_and_does_its_work_the_next_time(string line)
    {
        string path = _folder.File("disk.qcow2");
        string below = _folder.Image("below.raw", 4 << 20);
        foreach (string made in new[] { $"img create -q -f qcow2 -b {below} -F raw -o cluster_size=512 {path} 4M", $"img bitmap --add -g 512 {path} b1", $"img bitmap --add -g 512 {path} b2", $"img snapshot -c s0 {path}" })
        {
            Assert.That(ToolRun.Own(made.Split(' ')).ExitCode, Is.Zero, made);
        }

        Assert.That(ToolRun.Io($"driver=qcow2,file.filename={path}", "write -q 0 4M").ExitCode, Is.Zero);
        string[] words = [.. line.Split(' ').Select(word => word == "''" ? "" : word.Replace("IMAGE", $"driver=qcow2,file.driver=throttle,file.throttle-group=g,file.file.filename={path}", StringComparison.Ordinal))];
        (int exitCode, string errors) = Interrupt("qemu-img", [words[0], "--object", "throttle-group,id=g,x-iops-total=10", "--image-opts", .. words[1..]], process => Holds(process, path));
        Assert.That((exitCode, errors), Is.EqualTo((130, "")), "exit code and what it says");
        Assert.That(ToolRun.Own("img", "check", path).Out, Does.StartWith("No errors"), "the image is whole");
        Assert.That(ToolRun.Own("img", "info", path).Out, Does.Contain("name: b2").And.Not.Contain("in-use"), "its bitmaps are in force");
        ToolRun again = ToolRun.Own(["img", .. line.Split(' ').Select(word => word == "''" ? "" : word.Replace("IMAGE", path, StringComparison.Ordinal))]);
        Assert.That(again.ExitCode, Is.Zero, () => $"the next time: {again.Error}");
        Assert.That(ToolRun.Own("img", "check", path).Out, Does.StartWith("No errors"), "the image is whole then");
    }

    private static bool Holds(Process process, string path)
    {
        try
        {
            return Directory.GetFiles($"/proc/{process.Id}/fd").Any(file => new FileInfo(file).LinkTarget == path);
        }
        catch (IOException)
        {
            // One was closed meanwhile.
            return false;
        }
    }

    // Where the tests themselves were started with the signal ignored, a program that they start would ignore it, too: env gives it back.
    private (int ExitCode, string Errors) Interrupt(string program, string[] arguments, Func<Process, bool>? hasBegun, bool isHeldByErrors = false)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("signals are sent on Linux only");
        }

        string link = _folder.File(program);
        if (!File.Exists(link))
        {
            File.CreateSymbolicLink(link, BuiltProgram.Path);
        }

        string[] command = ["--default-signal=INT", link, .. program == "blockgraph" ? new[] { "img" } : [], .. arguments];
        using Process process = Process.Start(new ProcessStartInfo("env", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = isHeldByErrors ? Task.FromResult("") : process.StandardError.ReadToEndAsync();

        // Whatever it prints first is printed in the middle of its work.
        int first = isHeldByErrors ? process.StandardError.Peek() : hasBegun is null ? process.StandardOutput.Read() : 0;
        SpinWait.SpinUntil(() => process.HasExited || (hasBegun?.Invoke(process) ?? true));
        Assert.That(first >= 0 && !process.HasExited, Is.True, () => $"{string.Join(' ', command)} is over: {errors.Result}");
        using Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        kill.WaitForExit();
        errors = isHeldByErrors ? process.StandardError.ReadToEndAsync() : errors;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors.Result);
    }
}
