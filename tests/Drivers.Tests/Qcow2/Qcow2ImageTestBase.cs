using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>A qcow2 image on a disk that fails when told to.</summary>
public abstract class Qcow2ImageTestBase
{
    private protected GraphFixture Fixture { get; private set; } = null!;

    private protected virtual IEnumerable<BlockDriver> Drivers => [new Qcow2Driver()];

    private protected FaultyDisk Disk => Fixture.Faulty.Disk("disk");

    /// <summary>Options of every image that is opened, each behind a comma.</summary>
    private protected virtual string MoreOptions => "";

    [SetUp]
    public void SetUpFixture() => Fixture = new GraphFixture(drivers: Drivers);

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    private protected void MakeImage(Qcow2CreateOptions options) => Disk.Storage.Replace(new Qcow2Layout(options.CreateHeaderArea(), options.LengthBytes).ToArray());

    private protected Task<BlockBackend> OpenAsync(string more = "", bool isReadOnly = false) =>
        Fixture.OpenAsync($"driver=qcow2,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk,file.node-name=file{(isReadOnly ? ",read-only=on" : "")}{more}{MoreOptions}", new BackendOptions { ReadOnly = isReadOnly });

    private protected async Task<BlockBackend> MakeAndOpenAsync(Qcow2CreateOptions options, string more = "")
    {
        MakeImage(options);
        return await OpenAsync(more);
    }

    private protected static async Task WriteAsync(BlockBackend backend, long offset, int lengthBytes, byte value)
    {
        byte[] bytes = new byte[lengthBytes];
        Array.Fill(bytes, value);
        await backend.WriteAsync(offset, bytes);
    }

    private protected static async Task<byte[]> ReadAllAsync(BlockBackend backend)
    {
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        return bytes;
    }

    /// <summary>Nothing in the image contradicts itself, and nothing leaks.</summary>
    private protected static ImageAudit RequireSound(byte[] image, string when, bool mayLeak = false)
    {
        ImageAudit audit = ImageAudit.Of(image);
        Assert.That(audit.Errors.Take(5), Is.Empty, $"errors {when}");
        if (!mayLeak)
        {
            Assert.That(audit.Leaks.Take(5), Is.Empty, $"leaks {when}");
        }

        return audit;
    }
}
