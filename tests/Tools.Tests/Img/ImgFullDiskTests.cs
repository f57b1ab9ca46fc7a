using System.Text.RegularExpressions;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>A disk that fills up in the middle of a command: what is incomplete is named, what was there reads as before, and what was made for nothing is removed.</summary>
[TestFixture]
public sealed partial class ImgFullDiskTests
{
    private ChainFolder _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = new ChainFolder();
        byte[] bytes = new byte[8 << 20];
        bytes.AsSpan().Fill(7);
        File.WriteAllBytes(_folder.File("src"), bytes);
    }

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // The storage has room for two writes.
    [TestCase("convert -f raw -O raw SRC faulty:t", "error while writing at byte OFFSET: No space left on device", "error while writing at byte OFFSET: No space left on device ('faulty:t' is incomplete)")]
    [TestCase("convert -n -f raw -O raw SRC faulty:t", "error while writing at byte OFFSET: No space left on device", "error while writing at byte OFFSET: No space left on device ('faulty:t' is incomplete)")]
    [TestCase("convert -f raw -m 1 -S 0 -O raw SRC faulty:t", "error while writing at byte OFFSET: No space left on device", "error while writing at byte OFFSET: No space left on device ('faulty:t' is incomplete)")]
    [TestCase("dd -f raw -O raw bs=64k if=SRC of=faulty:t", "error while writing to output image file: No space left on device", "error while writing at byte OFFSET: No space left on device ('faulty:t' is incomplete)")]
    [TestCase("bench -f raw -w -d 1 -c 10 faulty:t", "Failed request: No space left on device", "Failed request: No space left on device")]
    public void A_target_that_is_left_incomplete_is_named(string line, string theirText, string ownText)
    {
        FaultyDisk disk = _folder.Faulty.Disk("t", 8 << 20);
        foreach ((bool isOwn, string text) in new[] { (false, $"qemu-img: {theirText}\n"), (true, $"blockgraph: {ownText}\n") })
        {
            disk.Heal();
            disk.FailNth(3, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);
            ToolRun run = isOwn ? _folder.Own(line) : _folder.Qemu(line);
            Assert.That((run.ExitCode, OffsetPattern().Replace(run.Error, "at byte OFFSET")), Is.EqualTo((1, text)), line);
            Assert.That(disk.Storage.OpenCount, Is.Zero, $"{line}: the target is closed");
        }
    }

    // cow top -> raw base, which is full
    [Test]
    public void An_overlay_that_could_not_be_committed_reads_as_before_and_can_be_committed_later()
    {
        FaultyDisk disk = _folder.Faulty.Disk("base", 8 * ChainFolder.Cluster);
        _folder.Make("top", "create -q -f cow -b faulty:base -F raw TOP", 1, 0, 2, 4, 6);
        int[] before = _folder.Read("top");
        disk.FailNth(2, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);

        // Its base is no file of the host: it must be named.
        string commit = $"commit --image-opts driver=cow,file.filename={_folder.File("top")},backing.driver=raw,backing.file.driver=faulty,backing.file.filename=base";
        ToolRun run = _folder.Own(commit);
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
        Assert.That(run.Error, Does.Match($"^blockgraph: .*No space left on device \\('.*' reads as before: make room for its backing file and commit it again\\)\n$"), "the remedy");
        Assert.That(run.Out, Does.Not.Contain("committed"), "nothing is claimed");
        Assert.That(_folder.Read("top"), Is.EqualTo(before), "it reads as before");
        disk.Heal();
        Assert.That(_folder.Own(commit).ExitCode, Is.Zero, "with room it goes");
        Assert.That(_folder.Read("faulty:base", "raw"), Is.EqualTo(before), "and the base has all of it");
    }

    // cow top, which is full -> raw base
    [Test]
    public void An_overlay_that_could_not_be_rebased_reads_as_before_and_can_be_rebased_later()
    {
        _folder.Make("base", "create -q -f cow BASE 32k", 1, 0, 1, 2, 3);
        _folder.Faulty.Disk("top", 1 << 20);
        _folder.Make("faulty:top", $"create -q -f cow -b BASE -F cow faulty:top", 20, 5);
        int[] before = _folder.Read("faulty:top");
        FaultyDisk disk = _folder.Faulty.Disk("top");
        disk.FailNth(4, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);
        ToolRun run = _folder.Own("rebase -f cow -b  faulty:top");
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
        Assert.That(run.Error, Does.Match("blockgraph: Error while writing to COW image: .*No space left on device \\('faulty:top' reads as before: make room for it and rebase it again\\)\n$"), "the remedy");
        disk.Heal();
        Assert.That(_folder.Read("faulty:top"), Is.EqualTo(before), "it reads as before");
        Assert.That((_folder.Own("rebase -f cow -b  faulty:top").ExitCode, _folder.Read("faulty:top")), Is.EqualTo((0, before)), "with room it goes");
    }

    // A file system of 1 MiB, with something in it that is there before.
    [TestCase("create -f raw -o preallocation=full NEW 8M", "NEW: Could not write zeros for preallocation: No space left on device", false)]
    [TestCase("create -f raw -o preallocation=falloc NEW 8M", "NEW: Could not preallocate new data: No space left on device", false)]
    [TestCase("create -f cow NEW 1G", "NEW: No space left on device", false)]
    [TestCase("resize -f raw --preallocation=full OLD 8M", "Could not write zeros for preallocation: No space left on device", false)]
    [TestCase("resize -f raw --preallocation=falloc OLD 8M", "Could not preallocate new data: No space left on device", false)]
    [TestCase("convert -f raw -O raw -o preallocation=full SRC NEW", "NEW: error while converting raw: Could not write zeros for preallocation: No space left on device", false)]
    [TestCase("convert -f raw -O cow SRC NEW", "No space left on device ('NEW' is incomplete)", true)]
    [TestCase("convert -f raw -O raw SRC NEW", "No space left on device ('NEW' is incomplete)", true)]
    [TestCase("dd -f raw -O raw bs=64k if=SRC of=NEW", "No space left on device ('NEW' is incomplete)", true)]
    public void A_file_system_that_fills_up_is_told_and_what_was_made_for_nothing_is_removed(string line, string text, bool isLeft)
    {
        string small = _folder.File("small");
        Directory.CreateDirectory(small);
        using SmallFileSystem mount = new(small, "1m");
        string @new = Path.Combine(small, "new");
        string old = Path.Combine(small, "old");
        File.WriteAllBytes(old, [1, 2, 3]);
        string Filled(string words) => words.Replace("NEW", @new, StringComparison.Ordinal).Replace("OLD", old, StringComparison.Ordinal);
        ToolRun run = _folder.Own(Filled(line));
        Assert.That(run.Error, Does.Match("^blockgraph: [^\n]+\n$").And.Contain(Filled(text)), "one line");
        Assert.That(run.ExitCode, Is.EqualTo(1), "exit code");
        Assert.That(File.Exists(@new), Is.EqualTo(isLeft), "what is left");
        Assert.That(File.ReadAllBytes(old), Is.EqualTo(new byte[] { 1, 2, 3 }), "what was there is as it was");
    }

    [Test]
    public void Bitmaps_that_find_no_room_are_told_of_by_whoever_closes_the_image()
    {
        Assert.That(_folder.Qemu("create -q -f qcow2 IMAGE 1M").ExitCode, Is.Zero, "an image");
        Assert.That(_folder.Qemu("bitmap --add IMAGE a").ExitCode, Is.Zero, "with a bitmap");
        FaultyDisk disk = _folder.Faulty.Disk("q", 0);
        string[] told = [.. Enumerable.Range(1, 30).Select(failing => RunWithout("bitmap -f qcow2 --add faulty:q b", failing)), .. Enumerable.Range(1, 30).Select(failing => RunWithout("resize -q -f qcow2 faulty:q 2M", failing))];
        Assert.That(told.Take(30), Has.Some.Match("^1 qemu-img: Lost persistent bitmaps during inactivation of node '#block[0-9]+': .*No space left on device\n$"), "the command that is about bitmaps fails");
        Assert.That(told.Skip(30), Has.Some.Match("^0 qemu-img: Lost persistent bitmaps during inactivation of node '#block[0-9]+': .*No space left on device\n$"), "another has done its work");
        Assert.That(told.Where(line => line.StartsWith("0 ", StringComparison.Ordinal) && line.Length > 2), Has.All.Contain("Lost persistent"), "and warns of nothing else");

        string RunWithout(string line, int failing)
        {
            disk.Storage.Replace(File.ReadAllBytes(_folder.File("image")));
            disk.FailNth(failing, StorageCall.Write, BlockErrorKind.NoSpace, isSticky: true);
            ToolRun run = _folder.Qemu(line);
            disk.Heal();
            return $"{run.ExitCode} {run.Error}";
        }
    }

    // How much goes in one request is for the conversion to choose.
    [GeneratedRegex("at byte [0-9]+")]
    private static partial Regex OffsetPattern();
}
