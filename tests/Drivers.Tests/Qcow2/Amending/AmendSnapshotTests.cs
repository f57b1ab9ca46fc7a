using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Snapshots;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Amending;

/// <summary>An image with snapshots becomes version 2, which says nothing of zeros: those of snapshots are written out, all at once.</summary>
[TestFixture]
public sealed class AmendSnapshotTests : SnapshotTestBase
{
    private const int Length = 96 << 10;

    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = Length, ClusterBits = 9 };

    // top -> disk, over a backing node or not. Snapshots a and b have most tables in common, the active image others.
    [Test]
    public void Zeros_of_snapshots_are_written_out([Values] bool hasBacking) => Fixture.Run(async () =>
    {
        string more = Backing(hasBacking);
        MakeImage(s_options);
        byte[][] expected;
        await using (BlockBackend backend = await OpenAsync(more))
        {
            expected = await FillAsync(backend);
            await AmendAsync(backend);
            Assert.That(((Qcow2Instance)backend.Root!.Instance).Metadata.Area.Header.Version, Is.EqualTo(2), "the version");
            RequireSound(Disk.BytesAfterPowerLoss(), "at once");
        }

        await RequireContentAsync(more, expected, "at the end");
    });

    // Version 2 has one length for all: the image gets that of its snapshots first.
    [Test]
    public void An_image_becomes_version_2_by_getting_the_length_of_its_snapshots([Values(Length / 2, Length * 2)] int otherLength) => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options))
        {
            await WriteAsync(backend, 0, Length, 1);
            await CreateAsync(backend, "a");
            await backend.TruncateAsync(otherLength);
            BlockException refusal = await Failure.OfAsync(() => AmendAsync(backend, Length * 4));
            Assert.That(refusal.Message, Is.EqualTo("Internal snapshots prevent downgrade of image"), "a third length");
            Assert.That(backend.LengthBytes, Is.EqualTo(otherLength), "the length has not changed");
            await AmendAsync(backend, Length);
            Assert.That(backend.LengthBytes, Is.EqualTo(Length), "the length");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync();
        await ApplyAsync(again, "a");
        Assert.That(await ReadAllAsync(again), Is.All.EqualTo(1), "the snapshot");
    });

    [Test]
    public void Where_the_profile_says_so_the_length_changes_though_the_rest_is_refused()
    {
        using GraphFixture fixture = new(drivers: [new Qcow2Driver()], graphOptions: new() { Profile = GraphFixture.Profile with { DowngradeChangesLengthFirst = true } });
        fixture.Run(async () =>
        {
            fixture.Faulty.Disk("disk").Storage.Replace(new Qcow2Layout(s_options.CreateHeaderArea(), Length).ToArray());
            await using (BlockBackend backend = await fixture.OpenAsync("driver=qcow2,node-name=top,file.driver=faulty,file.filename=disk"))
            {
                await WriteAsync(backend, 0, Length, 1);
                await CreateAsync(backend, "a");
                BlockException refusal = await Failure.OfAsync(() => AmendAsync(backend, Length / 2));
                Assert.That(refusal.Message, Is.EqualTo("Internal snapshots prevent downgrade of image"));
                Assert.That(backend.LengthBytes, Is.EqualTo(Length / 2), "the length");
                Assert.That(((Qcow2Instance)backend.Root!.Instance).Metadata.Area.Header.Version, Is.EqualTo(3), "the version");
            }

            RequireSound(fixture.Faulty.Disk("disk").Storage.Bytes, "at the end");
        });
    }

    // 512 bytes of entries lead to 32 KiB: the image has three tables, and so has each snapshot.
    [Test]
    public void Progress_goes_by_tables() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_options);
        await WriteAsync(backend, 0, Length, 1);
        await backend.WriteZeroesAsync(0, 1024);
        await CreateAsync(backend, "a");
        await backend.WriteZeroesAsync(40_960, 1024);
        await CreateAsync(backend, "b");
        List<double> steps = [];
        await backend.AmendAsync(new OptionsDictionary { ["compat"] = "0.10" }, progress: new Steps(steps));
        Assert.That(steps, Is.EqualTo(Enumerable.Range(0, 10).Select(static i => i / 9.0)));
    });

    [Test]
    public void An_image_of_version_2_with_snapshots_gets_another_length_by_becoming_version_3() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options with { Version = 2 }))
        {
            await WriteAsync(backend, 0, Length, 1);
            await CreateAsync(backend, "a");
            BlockException refusal = await Failure.OfAsync(() => backend.AmendAsync(new OptionsDictionary { ["size"] = Length * 2L }));
            Assert.That(refusal.Message, Is.EqualTo("Can't resize a v2 image which has snapshots"), "as version 2");
            await backend.AmendAsync(new OptionsDictionary { ["compat"] = "1.1", ["size"] = Length * 2L });
            await ApplyAsync(backend, "a");
            Assert.That(backend.LengthBytes, Is.EqualTo(Length), "the snapshot's length");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void What_has_no_zeros_keeps_its_tables() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await MakeAndOpenAsync(s_options);
        await WriteAsync(backend, 0, 30_000, 1);
        await CreateAsync(backend, "a");
        ulong before = ((Qcow2Instance)backend.Root!.Instance).Metadata.Snapshots.Entries[0].L1Offset;
        await AmendAsync(backend);
        Assert.That(((Qcow2Instance)backend.Root.Instance).Metadata.Snapshots.Entries[0].L1Offset, Is.EqualTo(before), "the snapshot's table");
    });

    [Test]
    public void A_call_that_fails_loses_nothing_of_any_snapshot(
        [Values] bool hasBacking, [Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isSticky)
    {
        string more = Backing(hasBacking);
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"with call {failing} failing";
            Fixture.Run(async () =>
            {
                byte[][] expected;
                byte[] image;
                MakeImage(s_options);
                await using (BlockBackend prepared = await OpenAsync(more))
                {
                    expected = await FillAsync(prepared);
                }

                await using (BlockBackend backend = await OpenAsync(more))
                {
                    Disk.FailNth(failing, null, kind, isSticky);
                    isOver = await IsAmendedAsync(backend);
                    image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)failing));
                    Disk.Heal();
                    await AmendAsync(backend);
                }

                await RequireContentAsync(more, expected, $"{when}, at the end");
                Disk.Storage.Replace(image);
                await RequireContentAsync(more, expected, $"{when}, without power", areLeaksFine: true);
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(10), "a change takes several calls");
                return;
            }
        }
    }

    private static string Backing(bool isThere) => isThere ? ",backing.driver=memory,backing.filename=base" : "";

    // The snapshots' contents, a and b, and the image's own.
    private static async Task<byte[][]> FillAsync(BlockBackend backend)
    {
        await WriteAsync(backend, 0, 30_000, 1);
        await backend.WriteZeroesAsync(1024, 2048, RequestFlags.None);
        await backend.WriteZeroesAsync(4096, 2048, RequestFlags.MayUnmap);
        await backend.WriteZeroesAsync(32_768, 16_384, RequestFlags.MayUnmap);
        byte[] a = await ReadAllAsync(backend);
        await CreateAsync(backend, "a");
        await WriteAsync(backend, 33_000, 3000, 2);
        await backend.WriteZeroesAsync(0, 512, RequestFlags.None);
        byte[] b = await ReadAllAsync(backend);
        await CreateAsync(backend, "b");
        await WriteAsync(backend, 100, 10_000, 3);
        await backend.WriteZeroesAsync(60_000, 10_000, RequestFlags.MayUnmap);
        return [a, b, await ReadAllAsync(backend)];
    }

    private async Task RequireContentAsync(string more, byte[][] expected, string when, bool areLeaksFine = false)
    {
        ImageAudit audit = ImageAudit.Of(Disk.Storage.Bytes);
        Assert.That(audit.Errors.Take(5), Is.Empty, $"errors {when}");
        Assert.That(areLeaksFine ? [] : audit.Leaks.Take(5), Is.Empty, $"leaks {when}");
        await using BlockBackend backend = await OpenAsync(more);
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected[2]), $"the image {when}");
        await ApplyAsync(backend, "a");
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected[0]), $"snapshot a {when}");
        await ApplyAsync(backend, "b");
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected[1]), $"snapshot b {when}");
    }

    private static async Task<bool> IsAmendedAsync(BlockBackend backend)
    {
        try
        {
            await AmendAsync(backend);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private static Task AmendAsync(BlockBackend backend, long? lengthBytes = null) =>
        backend.AmendAsync(lengthBytes is { } length ? new OptionsDictionary { ["compat"] = "0.10", ["size"] = length } : new OptionsDictionary { ["compat"] = "0.10" });

    [SetUp]
    public void FillBase() => Array.Fill(Fixture.Memory.Storage("base", 70_000).Bytes, (byte)7);
}
