using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>A range goes from file to file within the system; the portable engine reads and writes.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileCopyTests(string engine) : FileDriverFixture(engine)
{
    private const int LengthBytes = 300_000;

    [Test]
    public void A_range_is_copied_from_file_to_file() => Run(async () =>
    {
        byte[] original = Pattern(LengthBytes, seed: 1);
        string from = MakeFile("from.img", original);
        string to = MakeFile("to.img", new byte[LengthBytes]);
        await using BlockBackend source = await OpenAsync($"driver=raw,offset=512,read-only=on,file.driver=file,file.filename={from}", new BackendOptions { ReadOnly = true });
        await using BlockBackend target = await OpenAsync($"driver=file,filename={to}");
        if (IsLinuxEngine)
        {
            await source.CopyRangeAsync(1000, target, 7, 200_000, RequestFlags.NoFallback);
        }
        else
        {
            BlockException refusal = await RefusedAsync(() => source.CopyRangeAsync(1000, target, 7, 200_000, RequestFlags.NoFallback).AsTask());
            Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "not by this engine");
        }

        await source.CopyRangeAsync(1000, target, 7, 200_000, RequestFlags.Fua);
        byte[] copied = File.ReadAllBytes(to);
        Assert.That(copied.AsSpan(7, 200_000).SequenceEqual(original.AsSpan(1512, 200_000)), "the bytes");
        Assert.That(copied[..7], Is.All.Zero, "what lies before");
        Assert.That(copied.AsSpan(200_007).IndexOfAnyExcept((byte)0), Is.LessThan(0), "what lies behind");
    });

    [Test]
    public void Within_one_file_too_but_not_onto_itself() => Run(async () =>
    {
        byte[] original = Pattern(LengthBytes, seed: 2);
        string path = MakeFile("disk.img", original);
        await using BlockBackend disk = await OpenAsync($"driver=file,filename={path}");
        await disk.CopyRangeAsync(0, disk, 150_000, 100_000);
        Assert.That(File.ReadAllBytes(path).AsSpan(150_000, 100_000).SequenceEqual(original.AsSpan(0, 100_000)), "the bytes");
        BlockException refusal = await RefusedAsync(() => disk.CopyRangeAsync(0, disk, 50_000, 100_000).AsTask());
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.InvalidArgument), "overlapping");
    });

    // Two users of one file whose ranges overlap: the system would refuse it.
    [Test]
    public void Two_users_of_one_node_whose_ranges_overlap_copy_by_hand() => Run(async () =>
    {
        byte[] original = Pattern(LengthBytes, seed: 3);
        string path = MakeFile("disk.img", original);
        BackendOptions shared = new() { ShareWrite = true };
        await using BlockBackend first = await OpenAsync($"driver=file,filename={path}", shared);
        await using BlockBackend second = await Graph.AttachBackendAsync(first.Root!, shared);
        await first.CopyRangeAsync(1000, second, 0, 100_000);
        Assert.That(File.ReadAllBytes(path).AsSpan(0, 100_000).SequenceEqual(original.AsSpan(1000, 100_000)), "the bytes");
    });
}
