using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Bitmaps;

/// <summary>A qcow2 image on a disk that fails when told to, and what the tests of its bitmaps share.</summary>
public abstract class BitmapTestBase
{
    private protected GraphFixture Fixture { get; private set; } = null!;

    private protected FaultyDisk Disk => Fixture.Faulty.Disk("disk");

    [SetUp]
    public void SetUpFixture() => Fixture = new GraphFixture(drivers: [new Qcow2Driver()]);

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    private protected void MakeImage(Qcow2CreateOptions options) => Disk.Storage.Replace(new Qcow2Layout(options.CreateHeaderArea(), options.LengthBytes).ToArray());

    private protected Task<BlockBackend> OpenAsync(string more = "", bool isReadOnly = false) =>
        Fixture.OpenAsync($"driver=qcow2,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk,file.node-name=file{(isReadOnly ? ",read-only=on" : "")}{more}", new BackendOptions { ReadOnly = isReadOnly });

    private protected async Task<BlockBackend> MakeAndOpenAsync(Qcow2CreateOptions options, string more = "")
    {
        MakeImage(options);
        return await OpenAsync(more);
    }

    private protected static Task<DirtyBitmap> AddAsync(BlockBackend backend, string name, long granularityBytes = 512, bool isEnabled = true) =>
        backend.Root!.AddBitmapAsync(name, granularityBytes, isPersistent: true, isEnabled);

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

    /// <summary>The bitmaps of an open image: name, state, and which pieces are dirty.</summary>
    private protected static string Describe(BlockBackend backend) => string.Join("; ", backend.Root!.Bitmaps.Named.Select(Describe));

    /// <summary>One of them.</summary>
    private protected static string Describe(DirtyBitmap bitmap)
    {
        if (bitmap.IsInconsistent)
        {
            return $"{bitmap.Name} inconsistent";
        }

        List<string> runs = [];
        for (long at = 0; bitmap.TryFindDirty(at, bitmap.LengthBytes - at, long.MaxValue, out long start, out long length); at = start + length)
        {
            runs.Add($"{start}+{length}");
        }

        return $"{bitmap.Name}{(bitmap.IsEnabled ? "" : " disabled")}: {string.Join(' ', runs)}".TrimEnd();
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
