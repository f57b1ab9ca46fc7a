using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Snapshots;

/// <summary>Snapshots inside an image are made, listed, applied, shown and deleted.</summary>
[TestFixture("")]
[TestFixture(",refcount-cache-size=1024")]
public sealed class SnapshotTests(string moreOptions) : SnapshotTestBase
{
    private const int Length = 96 << 10;

    private static readonly Qcow2CreateOptions s_small = new() { LengthBytes = Length, ClusterBits = 9 };

    /// <summary>With two blocks of new counts in memory the others lie where they are to be.</summary>
    private protected override string MoreOptions => moreOptions;

    // backend -> qcow2 -> disk
    private static readonly Qcow2CreateOptions[] s_geometries =
    [
        s_small,
        s_small with { ClusterBits = 12, RefcountOrder = 1 },
        s_small with { ClusterBits = 10, RefcountOrder = 6 },
        s_small with { ClusterBits = 14, HasExtendedL2 = true },
        s_small with { ClusterBits = 11, Version = 2 },
    ];

    [Test]
    public void A_snapshot_keeps_what_the_guest_writes_over([Range(0, 4)] int geometry) => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_geometries[geometry]))
        {
            await WriteAsync(backend, 1000, 50_000, 1);
            byte[] first = await ReadAllAsync(backend);
            await CreateAsync(backend, "first");
            RequireSound(Disk.Storage.Bytes, "after a snapshot was made");
            await WriteAsync(backend, 30_000, 40_000, 2);
            await backend.WriteZeroesAsync(4096, 8192, RequestFlags.MayUnmap);
            byte[] second = await ReadAllAsync(backend);
            await CreateAsync(backend, "second");
            await WriteAsync(backend, 0, Length, 3);
            await ApplyAsync(backend, "first");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(first), "the first one");
            RequireSound(Disk.Storage.Bytes, "after a snapshot was applied");
            await WriteAsync(backend, 0, 20_000, 4);
            await ApplyAsync(backend, "second");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(second), "the second one");
            await DeleteAsync(backend, "first");
            await backend.FlushAsync();
            RequireSound(Disk.Storage.Bytes, "after a snapshot was deleted");
            await DeleteAsync(backend, "second");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(second), "without snapshots");
            await WriteAsync(backend, 100, 100, 5);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void Snapshots_are_there_when_the_image_is_opened_again() => Fixture.Run(async () =>
    {
        DateTimeOffset date = new(2024, 5, 6, 7, 8, 9, 123, TimeSpan.Zero);
        await using (BlockBackend backend = await MakeAndOpenAsync(s_small))
        {
            await backend.CreateSnapshotAsync(new ImageSnapshot("", "évian 水") { Date = date, VmClockNs = 12_345_678_901_234, VmStateBytes = 5L << 32, InstructionCount = 77 });
            await backend.CreateSnapshotAsync(new ImageSnapshot("lasting", ""));
            await backend.CreateSnapshotAsync(new ImageSnapshot("", "évian 水"));
        }

        await using BlockBackend again = await OpenAsync(isReadOnly: true);
        Assert.That(All(again), Is.EqualTo(new ImageSnapshot[]
        {
            new("1", "évian 水") { Date = date, VmClockNs = 12_345_678_901_234, VmStateBytes = 5L << 32, InstructionCount = 77 },
            new("lasting", "") { Date = DateTimeOffset.UnixEpoch },
            new("2", "évian 水") { Date = DateTimeOffset.UnixEpoch },
        }), "the snapshots");
    });

    [Test]
    public void An_id_is_one_more_than_the_largest_and_never_there_twice() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_small);
        await backend.CreateSnapshotAsync(new ImageSnapshot("7x", "a"));
        await CreateAsync(backend, "b");
        await DeleteAsync(backend, "a");
        await CreateAsync(backend, "c");
        Assert.That(All(backend).Select(static snapshot => snapshot.Id), Is.EqualTo(new[] { "8", "9" }), "the ids");
        BlockException error = await Failure.OfAsync(() => backend.CreateSnapshotAsync(new ImageSnapshot("9", "d")));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.AlreadyExists), "an id that is there");
        error = await Failure.OfAsync(() => CreateAsync(backend, new string('n', 65_536)));
        Assert.That(error.Message, Does.Contain("65535 bytes"), "a name that does not fit");
        error = await Failure.OfAsync(() => backend.DeleteSnapshotAsync(new ImageSnapshot("9", "d")));
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotFound), "a snapshot that is not there");
        Assert.That(Names(backend), Is.EqualTo("b c"), "what is left");
    });

    [Test]
    public void An_applied_snapshot_has_the_length_that_the_disk_had() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_small))
        {
            await WriteAsync(backend, 0, Length, 1);
            await CreateAsync(backend, "long");
            await backend.TruncateAsync(10 << 10);
            await CreateAsync(backend, "short");
            await backend.TruncateAsync(400 << 10);
            await WriteAsync(backend, 0, 400 << 10, 2);
            await ApplyAsync(backend, "short");
            Assert.That(backend.LengthBytes, Is.EqualTo(10 << 10), "shorter");
            Assert.That(await ReadAllAsync(backend), Is.All.EqualTo(1), "what the short one has");
            await ApplyAsync(backend, "long");
            Assert.That(backend.LengthBytes, Is.EqualTo(Length), "longer");
            Assert.That(await ReadAllAsync(backend), Is.All.EqualTo(1), "what the long one has");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void Counts_of_one_bit_share_nothing([Values(1, 3)] int timesMax) => Fixture.Run(async () =>
    {
        // Counts of one bit, or of two that end at 3.
        await using (BlockBackend backend = await MakeAndOpenAsync(s_small with { RefcountOrder = timesMax == 1 ? 0 : 1 }))
        {
            await WriteAsync(backend, 0, 20_000, 1);
            for (int i = 1; i < timesMax; i++)
            {
                await CreateAsync(backend, $"s{i}");
            }

            await backend.FlushAsync();
            string before = Names(backend);
            byte[] image = (byte[])Disk.Storage.Bytes.Clone();
            BlockException error = await Failure.OfAsync(() => CreateAsync(backend, "one too many"));
            Assert.That(error.Message, Does.Contain("needs a larger refcount_bits"), "the reason");
            Assert.That(error.Kind.ToErrno(), Is.EqualTo(22), "the number that tools print");
            Assert.That(Disk.Storage.Bytes.AsSpan(0, 4096).SequenceEqual(image.AsSpan(0, 4096)), "the image is as it was");
            Assert.That(Names(backend), Is.EqualTo(before), "the snapshots are as they were");
            await WriteAsync(backend, 1000, 20_000, 2);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void The_state_of_a_machine_goes_with_its_snapshot() => Fixture.Run(async () =>
    {
        SeededRandom chance = new(1);
        byte[] state = [.. Enumerable.Range(0, 70_000).Select(_ => (byte)chance.Next(256))];
        await using (BlockBackend backend = await MakeAndOpenAsync(s_small))
        {
            await WriteAsync(backend, 0, Length, 1);
            await backend.WriteVmStateAsync(0, state.AsMemory(0, 30_000));
            await backend.WriteVmStateAsync(30_000, state.AsMemory(30_000));
            Assert.That(await ReadVmStateAsync(backend, state.Length), Is.EqualTo(state), "before it is a snapshot's");
            Assert.That(await ReadAllAsync(backend), Is.All.EqualTo(1), "the disk beside it");
            await backend.CreateSnapshotAsync(new ImageSnapshot("", "running") { VmStateBytes = state.Length });
            Assert.That(await ReadVmStateAsync(backend, state.Length), Is.All.EqualTo(0), "the image has none any more");
            RequireSound(Disk.Storage.Bytes, "with state");
            await backend.TruncateAsync(1 << 20);
            await WriteAsync(backend, 0, 1 << 20, 2);
            await ApplyAsync(backend, "running");
            Assert.That(await ReadVmStateAsync(backend, state.Length), Is.EqualTo(state), "it is there again");
            await backend.TruncateAsync(1 << 20);
            Assert.That((await ReadAllAsync(backend)).AsSpan(Length).ContainsAnyExcept((byte)0), Is.False, "no disk shows it");
            await DeleteAsync(backend, "running");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void A_snapshot_is_shown_while_nobody_writes() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_small))
        {
            await WriteAsync(backend, 0, Length, 1);
            await CreateAsync(backend, "old");
            await backend.TruncateAsync(8192);
            await WriteAsync(backend, 0, 8192, 2);
            BlockException error = await Failure.OfAsync(() => backend.ShowSnapshotAsync(Find(backend, "old")));
            Assert.That(error.Message, Is.EqualTo("Device is not readonly"), "a writer");
        }

        byte[] image = (byte[])Disk.Storage.Bytes.Clone();
        await using BlockBackend reader = await OpenAsync(isReadOnly: true);
        await reader.ShowSnapshotAsync(Find(reader, "old"));
        Assert.That(reader.LengthBytes, Is.EqualTo(Length), "its length");
        Assert.That(await ReadAllAsync(reader), Is.All.EqualTo(1), "its bytes");
        Assert.That(Disk.Storage.Bytes, Is.EqualTo(image), "nothing was written");
    });

    [Test]
    public void A_read_only_image_gets_no_snapshot() => Fixture.Run(async () =>
    {
        MakeImage(s_small);
        await using BlockBackend backend = await OpenAsync(isReadOnly: true);
        BlockException error = await Failure.OfAsync(() => CreateAsync(backend, "s"));
        Assert.That(error.Message, Is.EqualTo("Block node 'top' is read-only"), "the reason");
    });

    [Test]
    public void Snapshots_come_and_go_without_using_up_the_file() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_small);
        await WriteAsync(backend, 0, Length, 1);
        int longest = 0;
        for (int i = 0; i < 20; i++)
        {
            await CreateAsync(backend, "s");
            await WriteAsync(backend, 0, Length, 2);
            await DeleteAsync(backend, "s");
            longest = i == 1 ? Disk.Storage.Bytes.Length : longest;
        }

        Assert.That(Disk.Storage.Bytes, Has.Length.LessThanOrEqualTo(longest + 4096), "what was freed is used again");
    });

    [Test]
    public void The_file_lets_go_of_what_a_deleted_snapshot_had([Values] bool passes) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_small, passes ? ",file.discard=unmap" : ",file.discard=unmap,pass-discard-snapshot=off");
        await WriteAsync(backend, 0, 20_480, 1);
        await CreateAsync(backend, "s");
        await WriteAsync(backend, 0, 20_480, 2);
        await backend.FlushAsync();
        int before = Disk.CountOf(StorageCall.Discard);
        await DeleteAsync(backend, "s");
        Assert.That(Disk.CountOf(StorageCall.Discard) > before, Is.EqualTo(passes), "discards");
    });

    private static async Task<byte[]> ReadVmStateAsync(BlockBackend backend, int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        await backend.ReadVmStateAsync(0, bytes);
        return bytes;
    }
}
