using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Protocols.HostFile;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Block devices: a loop device over a file of the test, where the user may make one.</summary>
public sealed class HostDeviceTests() : FileDriverFixture("linux")
{
    private const int LengthBytes = 1 << 20;
    private string? _device;

    [TearDown]
    public void Detach()
    {
        if (_device is not null)
        {
            Losetup("--detach", _device);
            _device = null;
        }
    }

    [TestCase("driver=host_device,filename=*")]
    [TestCase("host_device:*")]
    [TestCase("*")]
    [TestCase("driver=raw,file.filename=*")]
    [TestCase("driver=host_device,filename=*,cache.direct=on")]
    [TestCase("driver=host_device,filename=*,cache.direct=on,aio=native")]
    [TestCase("driver=host_device,filename=*,cache.direct=on,aio=threads")]
    public void A_device_is_read_written_zeroed_and_discarded(string stack)
    {
        byte[] model = Pattern(LengthBytes, seed: 1);
        string device = Attach(model);
        AddDeviceWorld().Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(LastWorld.Graph, stack.Replace("*", device, StringComparison.Ordinal));
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the length");
            foreach ((int offset, int length) in new[] { (0, 4096), (5000, 1), (65_535, 9000), (LengthBytes - 512, 512) })
            {
                byte[] data = Pattern(length, seed: offset);
                await backend.WriteAsync(offset, data);
                data.CopyTo(model, offset);
            }

            await backend.WriteZeroesAsync(4096, 100_000);
            model.AsSpan(4096, 100_000).Clear();
            await backend.DiscardAsync(200_000, 5000);
            await backend.FlushAsync();
            byte[] all = new byte[LengthBytes];
            await backend.ReadAsync(0, all);
            Assert.That(all.AsSpan().SequenceEqual(model), "all of it");
        });
    }

    [Test]
    public void Each_driver_takes_its_own_kind_only()
    {
        string device = Attach(new byte[LengthBytes]);
        string file = MakeFile("b.img", new byte[4096]);
        AddDeviceWorld().Run(async () =>
        {
            BlockException notRegular = await RefusedAsync(() => OpenAsync(LastWorld.Graph, $"driver=file,filename={device}"));
            Assert.That(notRegular.Message, Is.EqualTo($"'file' driver requires '{device}' to be a regular file"), "a device");
            BlockException notDevice = await RefusedAsync(() => OpenAsync(LastWorld.Graph, $"driver=host_device,filename={file}"));
            Assert.That(notDevice.Message, Is.EqualTo($"'host_device' driver requires '{file}' to be either a character or block device"), "a file");
            AssertNothingIsLeft("after the refusals", LastWorld.Graph);
        });
    }

    [Test]
    public void A_device_keeps_its_length_and_its_locks_keep_others_out()
    {
        string device = Attach(new byte[LengthBytes]);
        AddDeviceWorld().Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(LastWorld.Graph, $"driver=host_device,filename={device}");
            BlockException refusal = await RefusedAsync(async () => await backend.TruncateAsync(2 * LengthBytes));
            Assert.That(refusal.Message, Does.Contain("Cannot resize device files"), "growing");
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the length");
            string other = QemuIo.Run("-f", "raw", "-c", "write 0 512", device);
            Assert.That(other, Does.Contain("Failed to get").And.Contain("lock"), "qemu-io beside us");
            await backend.WriteAsync(0, Pattern(512, seed: 3));
        });
        Assert.That(QemuIo.Run("-f", "raw", "-r", "-c", "read -v 0 16", device), Does.Contain(Convert.ToHexStringLower(Pattern(512, seed: 3).AsSpan(0, 1))), "qemu-io after us");
    }

    private TestKit.GraphFixture LastWorld { get; set; } = null!;

    private TestKit.GraphFixture AddDeviceWorld() => LastWorld = AddWorld(drivers: [new HostDeviceDriver()]);

    private string Attach(byte[] content)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            Assert.Ignore("needs root");
        }

        string answer = Losetup("--find", "--show", MakeFile("disk", content)).Trim();
        if (!answer.StartsWith("/dev/", StringComparison.Ordinal))
        {
            Assert.Ignore("no loop device: " + answer);
        }

        return _device = answer;
    }

    private static string Losetup(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("losetup", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
            process.WaitForExit();
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("losetup is not installed");
            throw;
        }
    }
}
