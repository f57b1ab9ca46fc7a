using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>Full disks, read-only disks and block devices: made for the test where the user may, skipped elsewhere.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class HostFileMountTests(string engine) : HostFileFixture(engine)
{
    private string _mountPoint = "";
    private string _device = "";

    [SetUp]
    public void NeedRoot()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            Assert.Ignore("needs root");
        }
    }

    [TearDown]
    public void Unmount()
    {
        if (_mountPoint.Length > 0)
        {
            Run("umount", "--lazy", _mountPoint);
        }

        if (_device.Length > 0)
        {
            Run("losetup", "--detach", _device);
        }

        (_mountPoint, _device) = ("", "");
    }

    [Test]
    public void A_full_disk_is_no_space_and_the_file_stays_usable()
    {
        Mount();
        string path = Path.Combine(_mountPoint, "f");
        Platform.CreateFile(path, 1 << 20);
        using HostFile file = Open(path);
        file.Write(0, new byte[] { 1, 2, 3 });

        BlockException error = Assert.Throws<BlockException>(() => file.Write(0, Pattern(512 << 10, seed: 1)))!;

        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NoSpace, "No space left on device")));
        Assert.That(file.Flush, Throws.Nothing, "flushing what was written");
        Assert.That(file.GetLengthBytes(), Is.EqualTo(1 << 20));
    }

    [Test]
    public void Space_that_is_not_there_cannot_be_allocated()
    {
        Mount();
        string path = Path.Combine(_mountPoint, "f");
        Platform.CreateFile(path, 0);
        using HostFile file = Open(path);
        if (!IsLinuxEngine)
        {
            Assert.That(file.TryZeroRange(0, 1 << 20, mayUnmap: false), Is.False);
            return;
        }

        BlockException error = Assert.Throws<BlockException>(() => file.TryZeroRange(0, 1 << 20, mayUnmap: false))!;

        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NoSpace));
    }

    [Test]
    public void A_read_only_disk_refuses_writers_only()
    {
        Mount();
        string path = Path.Combine(_mountPoint, "f");
        Platform.CreateFile(path, 100);
        Run("mount", "-o", "remount,ro", _mountPoint);

        BlockException error = OpenFails(path, isWritable: true);
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.ReadOnlyStorage, $"Could not open '{path}': Read-only file system")));
        using HostFile file = Open(path, isWritable: false);
        Assert.That(ReadBytes(file, 0, 100), Is.EqualTo(new byte[100]));
    }

    [Test]
    public void A_block_device_is_read_written_zeroed_and_has_its_own_length([Values] bool isDirect)
    {
        Attach();
        HostFileOptions options = new(_device) { IsDevice = true, IsWritable = true, IsDirect = isDirect && IsLinuxEngine };
        if (!IsLinuxEngine)
        {
            Assert.That(OpenFails(_device, isWritable: true, isDevice: true).Message, Is.EqualTo($"Could not open '{_device}': the portable file engine has no block devices"));
            return;
        }

        using HostFile file = Platform.OpenFile(options);
        Memory<byte> block = BlockCore.Io.AlignedBuffer.Allocate(4096, 4096);
        block.Span.Fill(7);
        file.Write(8192, block);
        Assert.That(file.TryZeroRange(8192, 512, mayUnmap: true), "whole blocks");
        Assert.That(file.TryZeroRange(8193, 100, mayUnmap: true), Is.False, "parts of blocks");
        file.Read(8192, block);

        Assert.That(block.ToArray(), Is.EqualTo(new byte[512].Concat(Enumerable.Repeat((byte)7, 4096 - 512))));
        Assert.That((file.IsBlockDevice, file.GetLengthBytes()), Is.EqualTo((true, 1L << 20)));
        Assert.That(file.TryGetExtent(0, 4096, out _, out _), Is.False, "a device knows no holes");
        Assert.That(() => file.SetLengthBytes(1 << 20), Throws.Nothing, "the length that it has");
        BlockException error = Assert.Throws<BlockException>(() => file.SetLengthBytes(2 << 20))!;
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.NotSupported, "Cannot resize device files")));
    }

    [Test]
    public void A_write_protected_device_refuses_writers_only()
    {
        if (!IsLinuxEngine)
        {
            Assert.Ignore("the portable engine opens no devices");
        }

        Attach("--read-only");

        BlockException error = OpenFails(_device, isWritable: true, isDevice: true);
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.AccessDenied, "The device is not writable: Permission denied")));
        Assert.That(OpenDescriptorCount(_device), Is.Zero, "it was open when it was refused");
        using HostFile file = Open(_device, isWritable: false, isDevice: true);
        Assert.That(file.GetLengthBytes(), Is.EqualTo(1 << 20));
    }

    private void Mount()
    {
        string folder = PathOf("mnt");
        Directory.CreateDirectory(folder);
        string refusal = Run("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder);
        if (refusal.Length > 0)
        {
            Assert.Ignore("cannot mount: " + refusal);
        }

        _mountPoint = folder;
    }

    private void Attach(params string[] arguments)
    {
        string path = MakeFile("disk", new byte[1 << 20]);
        string answer = Run("losetup", [.. arguments, "--find", "--show", path]).Trim();
        if (!answer.StartsWith("/dev/", StringComparison.Ordinal))
        {
            Assert.Ignore("no loop device: " + answer);
        }

        _device = answer;
    }
}
