using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Discards, zero writes and block status: what becomes of a file's holes. The portable engine knows none.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileHoleTests(string engine) : FileDriverFixture(engine)
{
    private const int LengthBytes = 1 << 20;

    [TestCase("driver=file,filename=*", "ignore", false)]
    [TestCase("driver=file,filename=*", "off", false)]
    [TestCase("driver=file,filename=*", "unmap", true)]
    [TestCase("driver=file,filename=*", "on", true)]
    [TestCase("driver=raw,file.filename=*", "unmap", true)]
    [TestCase("driver=throttle,file.filename=*", "unmap", true)]
    public void A_discard_gives_space_back_where_unmap_is_on(string stack, string discard, bool isPunched) => Run(async () =>
    {
        byte[] model = Pattern(LengthBytes, seed: 1);
        string path = MakeFile("a.img", model);
        long before = AllocatedBytes(path);
        await using (BlockBackend backend = await OpenAsync(stack.Replace("*", path, StringComparison.Ordinal) + ",discard=" + discard))
        {
            await backend.DiscardAsync(65_536, 131_072);
        }

        if (isPunched && IsLinuxEngine)
        {
            model.AsSpan(65_536, 131_072).Clear();
            Assert.That(AllocatedBytes(path), Is.LessThanOrEqualTo(before - 131_072), "the space is the file system's again");
        }
        else
        {
            Assert.That(AllocatedBytes(path), Is.EqualTo(before), "the space stays taken");
        }

        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "the bytes");
    });

    [TestCase("driver=file,filename=*", "unmap", RequestFlags.MayUnmap, true)]
    [TestCase("driver=file,filename=*", "unmap", RequestFlags.None, false)]
    [TestCase("driver=file,filename=*", "ignore", RequestFlags.MayUnmap, false)]
    [TestCase("driver=raw,file.filename=*", "unmap", RequestFlags.MayUnmap, true)]
    [TestCase("driver=raw,file.filename=*", "unmap", RequestFlags.None, false)]
    public void A_zero_write_gives_space_back_where_it_may(string stack, string discard, RequestFlags flags, bool isPunched) => Run(async () =>
    {
        byte[] model = Pattern(LengthBytes, seed: 2);
        string path = MakeFile("a.img", model);
        long before = AllocatedBytes(path);
        await using (BlockBackend backend = await OpenAsync(stack.Replace("*", path, StringComparison.Ordinal) + ",discard=" + discard))
        {
            await backend.WriteZeroesAsync(65_536, 131_072, flags);
        }

        model.AsSpan(65_536, 131_072).Clear();
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), "zeros in any case");
        Assert.That(AllocatedBytes(path), isPunched && IsLinuxEngine ? Is.LessThanOrEqualTo(before - 131_072) : Is.EqualTo(before), "the space");
    });

    [Test]
    public void A_zero_write_that_may_not_fall_back_is_refused_where_only_buffers_would_do() => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 3));
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path},node-name=n");
        Func<Task> zero = async () => await backend.WriteZeroesAsync(4096, 4096, RequestFlags.NoFallback);
        if (IsLinuxEngine)
        {
            await zero();
            return;
        }

        Assert.That((await RefusedAsync(zero)).Message, Is.EqualTo("Node 'n' cannot zero efficiently"), "why");
    });

    [Test]
    public void The_status_tells_holes_from_data() => Run(async () =>
    {
        string path = MakeSparseFile("a.img", LengthBytes);
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path}");
        await backend.WriteAsync(131_072, Pattern(65_536, seed: 4));
        await backend.FlushAsync();
        List<(long Offset, long LengthBytes, BlockStatusFlags Flags)> found = [];
        for (long at = 0; at < LengthBytes;)
        {
            BlockStatus status = await backend.GetStatusAsync(at, LengthBytes - at);
            Assert.That(status.HostOffset, Is.EqualTo(at), "where it lies");
            found.Add((at, status.LengthBytes, status.Flags));
            at += status.LengthBytes;
        }

        const BlockStatusFlags Data = BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | BlockStatusFlags.Allocated;
        const BlockStatusFlags Hole = BlockStatusFlags.Zero | BlockStatusFlags.OffsetValid | BlockStatusFlags.Allocated;
        Assert.That(found, Is.EqualTo(IsLinuxEngine
            ? new[] { (0L, 131_072L, Hole), (131_072L, 65_536L, Data), (196_608L, LengthBytes - 196_608L, Hole | BlockStatusFlags.EndOfFile) }
            : [(0L, LengthBytes, Data | BlockStatusFlags.EndOfFile)]), "the map of the file");
    });

    // Looking for an extent's end may cost the system as much as the extent is long.
    [Test]
    public void The_system_is_asked_once_for_an_extent_that_is_asked_for_piece_by_piece()
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 4));
        int askedCount = 0;
        FaultyPlatform platform = new(Platform) { Fault = (name, _) => askedCount += name == "extent" ? 1 : 0 };
        GraphFixture world = AddWorld(platform: platform);
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path}");
            for (long at = 0; at < LengthBytes; at += 65_536)
            {
                BlockStatus status = await backend.GetStatusAsync(at, 65_536);
                Assert.That((status.LengthBytes, status.HostOffset, status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero)), Is.EqualTo((65_536L, at, BlockStatusFlags.Data)), $"the piece at {at}");
            }

            Assert.That(askedCount, Is.EqualTo(1), "looks at the file");
            await backend.WriteZeroesAsync(65_536, 65_536, RequestFlags.MayUnmap);
            Assert.That((await backend.GetStatusAsync(65_536, 65_536)).LengthBytes, Is.EqualTo(65_536), "the piece after it was written");
            Assert.That(askedCount, Is.EqualTo(2), "looks after a zero write within it");
        });
    }

    [Test]
    public void Raw_points_to_its_file_shifted_by_its_window() => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 5));
        await using BlockBackend backend = await OpenAsync($"driver=raw,offset=4096,size=8192,file.filename={path}");
        byte[] data = Pattern(100, seed: 6);
        await backend.WriteAsync(8000, data);
        BlockStatus status = await backend.GetStatusAsync(100, 5000);
        Assert.That((status.LengthBytes, status.HostOffset), Is.EqualTo((5000, 4196)), "offset in the file");
        Assert.That(backend.LengthBytes, Is.EqualTo(8192), "the window's length");
        Assert.That((await RefusedAsync(async () => await backend.WriteAsync(8192, new byte[1]))).Message, Does.StartWith("The range 8192+1 lies outside"), "behind the window");
        Assert.That(File.ReadAllBytes(path).AsSpan(12_096, 100).ToArray(), Is.EqualTo(data), "the file itself");
    });
}
