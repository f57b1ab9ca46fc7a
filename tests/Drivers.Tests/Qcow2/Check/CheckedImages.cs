using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Damage;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>An image on a disk that can fail, and what the tests of checks share.</summary>
public abstract class CheckedImages
{
    protected const ImageRepairs All = ImageRepairs.Leaks | ImageRepairs.Errors;

    protected GraphFixture Fixture { get; private set; } = null!;

    protected FaultyDisk Disk => Fixture.Faulty.Disk("disk");

    [SetUp]
    public void SetUpFixture() => Fixture = new GraphFixture(drivers: [new Qcow2Driver()]);

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    /// <summary>A world in which repairs make counts anew, or raise them.</summary>
    protected void SetUpFixture(bool rebuildsCounts)
    {
        Fixture.Dispose();
        Fixture = new GraphFixture(drivers: [new Qcow2Driver()], graphOptions: new() { Profile = GraphFixture.Profile with { RebuildsCounts = rebuildsCounts } });
    }

    /// <summary>Puts one of the sound images on the disk, after something was done to it.</summary>
    internal DamagedImage Make(string name, Action<DamagedImage>? spoil = null)
    {
        DamagedImage image = SoundImages.Get(name);
        spoil?.Invoke(image);
        Disk.Storage.Replace((byte[])image.Bytes.Clone());
        return image;
    }

    protected Task<BlockBackend> OpenAsync(bool isForCheck = false, bool isReadOnly = false, string more = "")
    {
        OptionsDictionary options = GraphFixture.Options($"driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk{more}");
        options["backing"] = OptionNull.Instance;
        if (isReadOnly)
        {
            options["read-only"] = "on";
        }

        return Fixture.Graph.OpenAsync(options, new BackendOptions { ForCheck = isForCheck });
    }

    /// <summary>A repair that counts all clusters at once, or a page of them in each pass.</summary>
    protected static ImageCheckRequest RepairOf(bool inOnePass) => new() { Repairs = All, CountBytesMax = inOnePass ? new ImageCheckRequest().CountBytesMax : 1 };

    /// <summary>Opens the image, checks it, closes it.</summary>
    protected async Task<(ImageCheck Check, List<string> Texts)> CheckAsync(ImageRepairs repairs = ImageRepairs.None, bool readsData = false)
    {
        FindingTexts listener = new();
        await using BlockBackend backend = await OpenAsync(isForCheck: true, isReadOnly: repairs == ImageRepairs.None);
        ImageCheck check = await backend.CheckAsync(new ImageCheckRequest { Repairs = repairs, ReadsData = readsData, Findings = listener });
        return (check, listener.Texts);
    }

    /// <summary>What the sound images have for the guest where they have something.</summary>
    protected static async Task RequirePatternsAsync(BlockBackend backend, string when)
    {
        byte[] bytes = new byte[64 << 10];
        foreach ((long offset, byte value) in new[] { (0L, (byte)0xa5), (64L << 10, (byte)0xa5), (1L << 20, (byte)0x5a), (2L << 20, (byte)0) })
        {
            await backend.ReadAsync(offset, bytes);
            Assert.That(bytes.AsSpan().IndexOfAnyExcept(value), Is.EqualTo(-1), $"{when}: what the guest has at {offset}");
        }
    }

    protected static byte[] Filled(int lengthBytes, byte value)
    {
        byte[] bytes = new byte[lengthBytes];
        Array.Fill(bytes, value);
        return bytes;
    }
}
