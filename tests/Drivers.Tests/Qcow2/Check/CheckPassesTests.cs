using System.Globalization;
using System.Text.RegularExpressions;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Amending;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>Checks whose counts have less memory than all clusters need: they go over the image more often, and find and do the same.</summary>
[TestFixture]
public sealed partial class CheckPassesTests : Qcow2ImageTestBase
{
    private const int LengthBytes = 1 << 20;
    private const ulong ReservedBits = 0x3f00_0000_0000_01fe;

    [Test]
    public void Passes_over_many_windows_find_and_mend_in_a_spoilt_image_what_one_pass_does([Range(1, 30)] int seed, [Values] bool rebuildsCounts)
    {
        byte[] image = Make(seed);
        Spoil(image, new Random(seed));
        foreach (ImageRepairs repairs in new[] { ImageRepairs.None, ImageRepairs.Leaks, ImageRepairs.Leaks | ImageRepairs.Errors })
        {
            (string found, byte[] mended) = CheckWith(image, rebuildsCounts, new ImageCheckRequest { Repairs = repairs });
            foreach (long bytesMax in new[] { 2000, 20_000 })
            {
                (string foundInParts, byte[] mendedInParts) = CheckWith(image, rebuildsCounts, new ImageCheckRequest { Repairs = repairs, CountBytesMax = bytesMax });
                Assert.That(foundInParts, Is.EqualTo(found), $"{repairs}, {bytesMax} bytes: findings");
                Assert.That(mendedInParts.AsSpan().SequenceEqual(mended), Is.True, $"{repairs}, {bytesMax} bytes: the image");
            }
        }
    }

    // A sound image: what it says is the same, and its tables are read again for each window that they lead to.
    [Test]
    public void Less_memory_makes_more_passes()
    {
        byte[] image = Make(1);
        using GraphFixture fixture = new(drivers: [new Qcow2Driver()]);
        fixture.Memory.Storage("img").Replace(image);
        List<int> reads = [];
        foreach (long bytesMax in new[] { new ImageCheckRequest().CountBytesMax, 20_000, 2000, 1 })
        {
            List<double> parts = [];
            fixture.Run(async () =>
            {
                await using BlockBackend backend = await fixture.OpenAsync("driver=qcow2,node-name=top,file.driver=memory,file.filename=img,read-only=on", new BackendOptions { ForCheck = true, ReadOnly = true });
                int before = fixture.Memory.Storage("img").Log.Count;
                Assert.That((await backend.CheckAsync(new ImageCheckRequest { CountBytesMax = bytesMax, Progress = new Steps(parts) })).IsClean, Is.True, $"{bytesMax} bytes: nothing is wrong");
                reads.Add(fixture.Memory.Storage("img").Log.Count - before);
            });
            Assert.That(parts, Is.Ordered.And.All.InRange(0, 1), $"{bytesMax} bytes: how far it has come");
            Assert.That(parts[^1], Is.EqualTo(1).Within(0.05), $"{bytesMax} bytes: how far in the end");
        }

        Assert.That(reads, Is.Ordered.And.Unique, "reads of the file, the less memory the more");
    }

    // In whichever pass it fails: it is unchecked in the first, and ends the work in a later one.
    [Test]
    public void A_read_that_fails_in_any_pass_leaves_what_can_be_repaired_later()
    {
        byte[] image = Make(2);
        Spoil(image, new Random(2));
        int uncheckedCount = 0;
        int endedCount = 0;
        bool isOver = false;
        for (int failing = 1; !isOver; failing += 5)
        {
            Assert.That(failing, Is.LessThan(20_000), "the repair comes to its end");
            TearDownFixture();
            SetUpFixture();
            Disk.Storage.Replace((byte[])image.Clone());
            Fixture.Run(async () =>
            {
                await using BlockBackend backend = await Fixture.OpenAsync("driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk", new BackendOptions { ForCheck = true });
                int before = Disk.CountOf(StorageCall.Read);
                Disk.FailNth(failing, StorageCall.Read);
                try
                {
                    ImageCheck check = await backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors, CountBytesMax = 2000 });
                    uncheckedCount += check.UncheckedCount > 0 ? 1 : 0;
                    isOver = Disk.CountOf(StorageCall.Read) - before < failing;
                }
                catch (BlockException error)
                {
                    endedCount += error.Message.StartsWith("What could be read before cannot be read any more: ERROR: ", StringComparison.Ordinal) ? 1 : 0;
                }

                Disk.Heal();
                ImageCheck left = await backend.CheckAsync(new ImageCheckRequest { Repairs = ImageRepairs.Leaks | ImageRepairs.Errors });
                Assert.That((left.CorruptionCount, left.LeakCount, left.UncheckedCount), Is.EqualTo((0L, 0L, 0L)), $"read {failing}: after the next repair");
            });
        }

        Assert.That((uncheckedCount > 0, endedCount > 0), Is.EqualTo((true, true)), $"reads of the first pass {uncheckedCount}, of later ones {endedCount}");
    }

    // Clusters of 512 bytes, some of which are a snapshot's, too.
    private byte[] Make(int seed)
    {
        Random random = new(seed);
        Fixture.Run(async () =>
        {
            await using BlockBackend backend = await MakeAndOpenAsync(new Qcow2CreateOptions { LengthBytes = LengthBytes, ClusterBits = 9, RefcountOrder = random.Next(1, 7) });
            for (int i = 0; i < 60; i++)
            {
                int offset = random.Next(LengthBytes >> 9) << 9;
                await WriteAsync(backend, offset, 1 + random.Next(Math.Min(LengthBytes / 30, LengthBytes - offset)), (byte)(100 + i));
                if (i == 30)
                {
                    await backend.CreateSnapshotAsync(new ImageSnapshot("", "one"));
                }
            }
        });
        return (byte[])Disk.Storage.Bytes.Clone();
    }

    // Bits of tables and of blocks of counts; of the guest's clusters most have one byte again and again.
    private static void Spoil(byte[] image, Random random)
    {
        int[] structures = [.. Enumerable.Range(1, (image.Length >> 9) - 1).Where(cluster => image.AsSpan(cluster << 9, 512).IndexOfAnyExcept(image[cluster << 9]) >= 0)];
        for (int i = 0; i < 12; i++)
        {
            image[(structures[random.Next(structures.Length)] << 9) + random.Next(512)] ^= (byte)(1 << random.Next(8));
        }
    }

    private static (string Found, byte[] Image) CheckWith(byte[] image, bool rebuildsCounts, ImageCheckRequest request)
    {
        using GraphFixture fixture = new(drivers: [new Qcow2Driver()], graphOptions: new() { Profile = GraphFixture.Profile with { RebuildsCounts = rebuildsCounts } });
        fixture.Memory.Storage("img").Replace((byte[])image.Clone());
        FindingTexts findings = new();
        List<string> found = [];
        fixture.Run(async () =>
        {
            try
            {
                string readOnly = request.Repairs == ImageRepairs.None ? ",read-only=on" : "";
                await using BlockBackend backend = await fixture.OpenAsync($"driver=qcow2,node-name=top,file.driver=memory,file.filename=img{readOnly}", new BackendOptions { ForCheck = true, ReadOnly = readOnly.Length > 0 });
                found.Add($"{await backend.CheckAsync(request with { Findings = findings })}");
            }
            catch (BlockException error)
            {
                found.Add(error.Message);
            }
        });
        return (string.Join("\n", found.Concat(findings.Texts.Select(WithoutReserved).Order(StringComparer.Ordinal))), fixture.Memory.Storage("img").Bytes);
    }

    // Reserved bits of an entry are mended in the first pass: a later one tells of its mark, and shows it without them.
    private static string WithoutReserved(string text) => !text.StartsWith("Repairing OFLAG_COPIED", StringComparison.Ordinal) ? text
        : EntryPattern().Replace(text, static match => $"l2_entry={ulong.Parse(match.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & ~ReservedBits:x}");

    [GeneratedRegex("l2_entry=([0-9a-f]+)")]
    private static partial Regex EntryPattern();
}
