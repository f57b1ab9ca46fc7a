using System.Diagnostics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>That QEMU's programs and this one keep each other out. Skipped where they are not installed.</summary>
public sealed class ImageLocksInteropTests() : HostFileFixture("linux")
{
    private const int Read = 1;
    private const int Write = 2;
    private const int All = 15;

    [Test]
    [CancelAfter(60_000)]
    public void A_writing_qemu_io_is_seen_by_who_does_not_share_writing()
    {
        string path = MakeFile("f", new byte[1 << 20]);
        using Process other = StartQemuIo("-f", "raw", path);
        using HostFile file = Open(path);

        Assert.That(Fails(file, Read | Write, All & ~Write), Is.EqualTo("Failed to get shared \"write\" lock"));
        Assert.That(() => new ImageLocks(file).Prepare(Read | Write, All), Throws.Nothing, "it shares everything itself");
        Quit(other);
        Assert.That(() => new ImageLocks(file).Prepare(Read | Write, All & ~Write), Throws.Nothing, "after it ended");
    }

    [Test]
    [CancelAfter(60_000)]
    public void A_qemu_io_that_does_not_share_writing_keeps_us_from_it()
    {
        string path = PathOf("q");
        Run("qemu-img", "create", "-q", "-f", "qcow2", path, "1M");
        using Process other = StartQemuIo("-f", "qcow2", path);
        using HostFile file = Open(path);

        Assert.That(Fails(file, Write, All), Is.EqualTo("Failed to get \"write\" lock"));
        Assert.That(Fails(file, Read, Read), Is.EqualTo("Failed to get shared \"write\" lock"));
        Assert.That(Assert.Throws<BlockException>(() => Platform.CreateFile(path, 0))!.Message, Is.EqualTo("Failed to get \"write\" lock"), "creation over it");
        Quit(other);
    }

    [Test]
    [CancelAfter(60_000)]
    public void Our_locks_keep_qemu_io_out()
    {
        string path = MakeFile("f", new byte[4096]);
        using HostFile file = Open(path);
        ImageLocks locks = new(file);
        locks.Prepare(Read | Write, All & ~Write);
        locks.Commit();

        Assert.That(Run("qemu-io", "-f", "raw", "-c", "write 0 512", path), Is.EqualTo($"qemu-io: can't open device {path}: Failed to get \"write\" lock\nIs another process using the image [{path}]?\n"));
        Assert.That(Run("qemu-io", "-r", "-f", "raw", "-c", "read 0 512", path), Does.StartWith("read 512/512 bytes"), "a reader that shares writing");
    }

    [Test]
    [CancelAfter(60_000)]
    public void Both_refuse_the_same_files_with_the_same_words()
    {
        Directory.CreateDirectory(PathOf("d"));
        Run("mkfifo", PathOf("p"));
        foreach (string path in new[] { PathOf("d"), PathOf("p"), PathOf("missing") })
        {
            Assert.That(Run("qemu-io", "-f", "raw", "-c", "read 0 512", path), Is.EqualTo($"qemu-io: can't open device {path}: {OpenFails(path, isWritable: true).Message}\n"));
        }
    }

    /// <summary>A qemu-io that has the file open and waits for its next command.</summary>
    private static Process StartQemuIo(params string[] arguments)
    {
        Process process = Start("qemu-io", arguments);
        process.StandardInput.WriteLine("read 0 512");
        Assert.That(process.StandardOutput.ReadLine(), Does.EndWith("read 512/512 bytes at offset 0"));
        return process;
    }

    private static void Quit(Process process)
    {
        process.StandardInput.Close();
        process.WaitForExit();
    }

    private static string Fails(HostFile file, int held, int shared) =>
        Assert.Throws<BlockException>(() => new ImageLocks(file).Prepare(held, shared))!.Message;
}
