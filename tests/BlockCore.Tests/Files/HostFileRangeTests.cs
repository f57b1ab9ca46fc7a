using System.Globalization;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>Holes and zeros: the Linux engine makes and sees them, the portable one says beforehand that it cannot.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class HostFileRangeTests(string engine) : HostFileFixture(engine)
{
    private const int Megabyte = 1 << 20;

    [Test]
    public void A_punched_hole_reads_as_zeros_and_gives_its_space_back()
    {
        using HostFile file = OpenFull(out byte[] model);
        int blocksBefore = BlockCount(file);

        if (!Can(file.TryPunchHole(Megabyte, Megabyte)))
        {
            return;
        }

        model.AsSpan(Megabyte, Megabyte).Clear();
        Assert.That(ReadBytes(file, 0, model.Length), Is.EqualTo(model));
        Assert.That(BlockCount(file), Is.EqualTo(blocksBefore - (Megabyte / 512)));
        Assert.That(Extents(file, 3 * Megabyte), Is.EqualTo("data 1048576, hole 1048576, data 1048576"));
    }

    [Test]
    public void A_hole_at_the_end_leaves_the_length([Values(0, 1, Megabyte)] int beyondBytes)
    {
        using HostFile file = OpenFull(out byte[] model);

        if (!Can(file.TryPunchHole(2 * Megabyte, Megabyte + beyondBytes)))
        {
            return;
        }

        Assert.That(file.GetLengthBytes(), Is.EqualTo(model.Length));
    }

    [Test]
    public void An_unaligned_range_is_zeroed_to_the_byte([Values] bool mayUnmap)
    {
        using HostFile file = OpenFull(out byte[] model);

        if (!Can(file.TryZeroRange(1001, 500_003, mayUnmap)))
        {
            return;
        }

        model.AsSpan(1001, 500_003).Clear();
        Assert.That(ReadBytes(file, 0, model.Length), Is.EqualTo(model));
    }

    [Test]
    public void Zeroing_behind_the_end_grows_the_file([Values] bool mayUnmap)
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3));

        if (!Can(file.TryZeroRange(2, Megabyte, mayUnmap)))
        {
            return;
        }

        Assert.That(file.GetLengthBytes(), Is.EqualTo(Megabyte + 2));
        Assert.That(ReadBytes(file, 0, Megabyte + 2), Is.EqualTo(new byte[] { 1, 2 }.Concat(new byte[Megabyte])));
    }

    [Test]
    public void Zeroing_keeps_the_space_unless_it_may_not([Values] bool mayUnmap)
    {
        using HostFile file = OpenFull(out _);
        int blocksBefore = BlockCount(file);

        if (!Can(file.TryZeroRange(0, 2 * Megabyte, mayUnmap)))
        {
            return;
        }

        Assert.That(blocksBefore - BlockCount(file), Is.EqualTo(mayUnmap ? 2 * Megabyte / 512 : 0));
    }

    [Test]
    public void A_file_system_without_zeroing_punches_and_allocates_instead()
    {
        if (!IsLinuxEngine || !Directory.Exists("/dev/shm") || !Run("stat", "-f", "-c", "%T", "/dev/shm").StartsWith("tmpfs", StringComparison.Ordinal))
        {
            Assert.Ignore("needs a tmpfs on /dev/shm");
        }

        string path = $"/dev/shm/blockgraph-{Environment.ProcessId}";
        File.WriteAllBytes(path, Pattern(Megabyte, seed: 1));
        try
        {
            using HostFile file = Open(path);
            Assert.That(file.TryZeroRange(0, 2 * Megabyte, mayUnmap: false), "zeroing");
            Assert.That(ReadBytes(file, 0, 2 * Megabyte), Is.EqualTo(new byte[2 * Megabyte]));
            Assert.That(BlockCount(file), Is.EqualTo(2 * Megabyte / 512), "the space must be there");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Nothing_is_always_done()
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3));

        Assert.That(file.TryPunchHole(100, 0), "punching");
        Assert.That(file.TryZeroRange(100, 0, mayUnmap: true), "zeroing");
        Assert.That(file.GetLengthBytes(), Is.EqualTo(3));
    }

    [Test]
    public void Extents_are_cut_to_what_was_asked_for()
    {
        using HostFile file = OpenFull(out _);

        if (!Can(file.TryGetExtent(100, 50, out bool isData, out long lengthBytes)))
        {
            Assert.That((isData, lengthBytes), Is.EqualTo((true, 50)), "unknown must look like data");
            return;
        }

        Assert.That((isData, lengthBytes), Is.EqualTo((true, 50)));
    }

    [Test]
    public void Behind_the_end_is_a_hole()
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3), isWritable: false);

        if (!Can(file.TryGetExtent(1000, 50, out bool isData, out long lengthBytes)))
        {
            return;
        }

        Assert.That((isData, lengthBytes), Is.EqualTo((false, 50)));
    }

    [Test]
    public void A_file_of_only_holes_has_one_extent()
    {
        Platform.CreateFile(PathOf("f"), 3 * Megabyte);
        using HostFile file = Open(PathOf("f"), isWritable: false);

        if (!Can(file.TryGetExtent(5, Megabyte, out bool isData, out long lengthBytes)))
        {
            return;
        }

        Assert.That((isData, lengthBytes), Is.EqualTo((false, Megabyte)));
    }

    // hole 1, data 2 MiB: the end of a hole is remembered as where data begins, until it is one no more
    [Test]
    public void Data_that_has_become_a_hole_since_it_was_found_is_seen_as_one()
    {
        using HostFile file = OpenFull(out _);
        if (!Can(file.TryPunchHole(0, Megabyte)))
        {
            return;
        }

        string before = Extents(file, 3 * Megabyte);
        file.TryPunchHole(Megabyte, Megabyte);
        bool isKnown = file.TryGetExtent(Megabyte, 2 * Megabyte, out bool isData, out long lengthBytes);

        Assert.That(before, Is.EqualTo($"hole {Megabyte}, data {2 * Megabyte}"), "at first");
        Assert.That((isKnown, isData, lengthBytes), Is.EqualTo((true, false, (long)Megabyte)), "then");
    }

    /// <summary>Passes on what the Linux engine must do; of the portable one it asserts the refusal.</summary>
    private bool Can(bool isDone)
    {
        Assert.That(isDone, Is.EqualTo(IsLinuxEngine));
        return isDone;
    }

    private HostFile OpenFull(out byte[] model)
    {
        model = Pattern(3 * Megabyte, seed: 7);
        HostFile file = Open(MakeFile("f", model));
        file.Flush();
        return file;
    }

    private static int BlockCount(HostFile file)
    {
        file.Flush();
        return int.Parse(Run("stat", "-c", "%b", file.Path), CultureInfo.InvariantCulture);
    }

    private static string Extents(HostFile file, long end)
    {
        List<string> extents = [];
        for (long offset = 0; offset < end;)
        {
            Assert.That(file.TryGetExtent(offset, end - offset, out bool isData, out long lengthBytes), "extents must be known");
            extents.Add($"{(isData ? "data" : "hole")} {lengthBytes}");
            offset += lengthBytes;
        }

        return string.Join(", ", extents);
    }
}
