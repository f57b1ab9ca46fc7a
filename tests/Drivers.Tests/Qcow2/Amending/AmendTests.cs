using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Snapshots;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Amending;

/// <summary>Properties of an image change while it is open, as a whole or not at all; what the image holds stays.</summary>
[TestFixture("")]
[TestFixture(",refcount-cache-size=1024")]
public sealed class AmendTests(string moreOptions) : SnapshotTestBase
{
    private const int Length = 96 << 10;

    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = Length, ClusterBits = 9 };

    /// <summary>With two blocks of new counts in memory the others lie where they are to be.</summary>
    private protected override string MoreOptions => moreOptions;

    // backend -> qcow2 -> disk
    [Test]
    public void Counts_get_any_width([Values(0, 1, 2, 3, 4, 5, 6)] int from, [Values(0, 1, 2, 3, 4, 5, 6)] int to) => Fixture.Run(async () =>
    {
        byte[] expected;
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options with { RefcountOrder = from }))
        {
            await WriteAsync(backend, 1000, 50_000, 1);
            await AmendAsync(backend, ("refcount_bits", 1L << to));
            RequireSound(Disk.BytesAfterPowerLoss(), "at once");
            await WriteAsync(backend, 40_000, 50_000, 2);
            expected = await ReadAllAsync(backend);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync();
        Assert.That(await ReadAllAsync(again), Is.EqualTo(expected), "the data");
        Assert.That(Header(again).RefcountOrder, Is.EqualTo(to), "the width");
    });

    [Test]
    public void A_count_that_does_not_fit_keeps_the_old_width() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options))
        {
            await WriteAsync(backend, 0, 20_000, 1);
            await CreateAsync(backend, "s");
            BlockException error = await Failure.OfAsync(() => AmendAsync(backend, ("refcount_bits", 1L)));
            Assert.That(error.Message, Does.StartWith("Cannot decrease refcount entry width to 1 bits: Cluster at offset 0x").And.EndWith("has a refcount of 2"), "the reason");
            await WriteAsync(backend, 0, 20_000, 2);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void Version_2_says_nothing_of_zeros_so_they_are_written_out([Values] bool hasBacking) => Fixture.Run(async () =>
    {
        Array.Fill(Fixture.Memory.Storage("base", 40_960).Bytes, (byte)7);
        MakeImage(s_options);
        byte[] expected;
        await using (BlockBackend backend = await OpenAsync(hasBacking ? ",backing.driver=memory,backing.filename=base" : ""))
        {
            await WriteAsync(backend, 0, 30_000, 1);
            await backend.WriteZeroesAsync(1024, 2048, RequestFlags.None);
            await backend.WriteZeroesAsync(4096, 2048, RequestFlags.MayUnmap);
            await backend.WriteZeroesAsync(32_768, 16_384, RequestFlags.MayUnmap);
            expected = await ReadAllAsync(backend);
            await AmendAsync(backend, ("compat", "0.10"));
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "the data");
            await WriteAsync(backend, 100, 100, 2);
            expected = await ReadAllAsync(backend);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync(hasBacking ? ",backing.driver=memory,backing.filename=base" : "");
        Assert.That(Header(again).Version, Is.EqualTo(2), "the version");
        Assert.That(await ReadAllAsync(again), Is.EqualTo(expected), "the data, opened again");
    });

    [Test]
    public void Late_counts_are_written_when_they_are_late_no_more() => Fixture.Run(async () =>
    {
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options))
        {
            await AmendAsync(backend, ("lazy_refcounts", true));
            await WriteAsync(backend, 0, 30_000, 1);
            await backend.FlushAsync();
            Assert.That(IsDirty, "a lazy image is dirty while it is written");
            await AmendAsync(backend, ("lazy_refcounts", false));
            Assert.That(IsDirty, Is.False, "it is clean");
            RequireSound(Disk.BytesAfterPowerLoss(), "at once");
            await WriteAsync(backend, 30_000, 30_000, 1);
            await backend.FlushAsync();
            Assert.That(IsDirty, Is.False, "it stays clean");
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
    });

    [Test]
    public void Several_properties_change_at_once_and_the_length_with_them() => Fixture.Run(async () =>
    {
        List<double> steps = [];
        await using (BlockBackend backend = await MakeAndOpenAsync(s_options with { Version = 2 }))
        {
            await WriteAsync(backend, 0, Length, 1);
            await backend.AmendAsync(new OptionsDictionary { ["compat"] = "v3", ["refcount_bits"] = 64L, ["lazy_refcounts"] = true, ["size"] = 200L << 10 }, progress: new Steps(steps));
            Assert.That(backend.LengthBytes, Is.EqualTo(200 << 10), "the length");
            await WriteAsync(backend, 150_000, 5000, 2);
        }

        Assert.That(steps, Is.Ordered, "progress");
        Assert.That((steps[0], steps[^1]), Is.EqualTo((0.0, 1.0)), "its ends");
        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync();
        Assert.That(Header(again).Version, Is.EqualTo(3), "the version");
        Assert.That(Header(again).Compatible, Is.EqualTo(Qcow2CompatibleFeatures.LazyRefcounts), "late counts");
        Assert.That(Header(again).RefcountOrder, Is.EqualTo(6), "the width");
    });

    // backend -> qcow2 -> disk, over a base that is longer
    [Test]
    public void What_an_image_grows_by_hides_a_longer_backing_image() => Fixture.Run(async () =>
    {
        const string over = ",backing.driver=memory,backing.filename=base";
        Array.Fill(Fixture.Memory.Storage("base", Length * 2).Bytes, (byte)7);
        MakeImage(s_options with { Version = 2 });
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend backend = await OpenAsync(over))
        {
            BlockException error = await Failure.OfAsync(() => AmendAsync(backend, ("size", Length * 3L)));
            Assert.That(error.Message, Is.EqualTo("Failed to zero out new clusters: Operation not supported"), "version 2 has no zeros for it");
            Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing was written");
        }

        MakeImage(s_options);
        await using (BlockBackend backend = await OpenAsync(over))
        {
            await AmendAsync(backend, ("size", Length * 3L));
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync(over);
        Assert.That(await ReadAllAsync(again), Is.EqualTo(Enumerable.Repeat((byte)7, Length).Concat(new byte[Length * 2])), "the data");
    });

    [TestCase("compat", "2.0", "Unknown compatibility level 2.0")]
    [TestCase("refcount_bits", 3L, "Refcount width must be a power of two and may not exceed 64 bits")]
    [TestCase("refcount_bits", 128L, "Refcount width must be a power of two and may not exceed 64 bits")]
    [TestCase("size", 1000L, "The new size must be a multiple of 512")]
    [TestCase("data_file", "other", "data-file can only be set for images that use an external data file")]
    [TestCase("data_file_raw", true, "data-file-raw cannot be set on existing images")]
    public void What_an_image_cannot_become_is_refused(string option, object value, string refusal) => Refuse(s_options, option, value, refusal);

    [TestCase("refcount_bits", 8L, "Refcount widths other than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)")]
    [TestCase("lazy_refcounts", true, "Lazy refcounts only supported with compatibility level 1.1 and above (use compat=1.1 or greater)")]
    public void What_version_2_has_not_is_refused(string option, object value, string refusal) => Refuse(s_options with { Version = 2 }, option, value, refusal);

    [Test]
    public void What_version_2_cannot_say_keeps_an_image_from_becoming_it()
    {
        Refuse(s_options with { RefcountOrder = 3 }, "compat", "0.10", "compat=0.10 requires refcount_bits=16");
        Refuse(s_options with { ClusterBits = 14, HasExtendedL2 = true }, "compat", "0.10", "Cannot downgrade an image with incompatible features 0x10 set");
        Refuse(s_options with { Compression = Qcow2Compression.Zstd }, "compat", "0.10", "Cannot downgrade an image with zstd compression type and existing compressed clusters",
            backend => backend.WriteAsync(0, new byte[512], RequestFlags.WriteCompressed).AsTask());
        Refuse(s_options, "compat", "0.10", "Internal snapshots prevent downgrade of image", async backend =>
        {
            await CreateAsync(backend, "s");
            await backend.TruncateAsync(Length * 2);
        });
    }

    [Test]
    public void A_call_that_fails_leaves_the_properties_as_they_were([Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isSticky)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"with call {failing} failing";
            Fixture.Run(async () =>
            {
                byte[] expected;
                await using (BlockBackend prepared = await MakeAndOpenAsync(s_options))
                {
                    await WriteAsync(prepared, 500, 50_000, 1);
                }

                await using (BlockBackend backend = await OpenAsync())
                {
                    expected = await ReadAllAsync(backend);
                    Disk.FailNth(failing, null, kind, isSticky);
                    isOver = await IsAmendedAsync(backend);
                    byte[] image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)failing));
                    Disk.Heal();
                    RequireSound(image, $"{when}, without power");
                    Assert.That(Header(backend).RefcountOrder, Is.EqualTo(isOver ? 5 : 4), $"the width {when}");
                    await WriteAsync(backend, 60_000, 10_000, 2);
                    await AmendAsync(backend, ("refcount_bits", 32L));
                }

                RequireSound(Disk.Storage.Bytes, $"{when}, at the end");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(4), "a change takes several calls");
                return;
            }
        }
    }

    private bool IsDirty => (Disk.Storage.Bytes[79] & 1) != 0;

    private void Refuse(Qcow2CreateOptions options, string option, object value, string refusal, Func<BlockBackend, Task>? prepare = null) => Fixture.Run(async () =>
    {
        await using (BlockBackend prepared = await MakeAndOpenAsync(options))
        {
            await (prepare?.Invoke(prepared) ?? Task.CompletedTask);
        }

        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (BlockBackend backend = await OpenAsync())
        {
            BlockException error = await Failure.OfAsync(() => AmendAsync(backend, (option, value)));
            Assert.That(error.Message, Is.EqualTo(refusal), "the reason");
        }

        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing was written");
    });

    private static async Task<bool> IsAmendedAsync(BlockBackend backend)
    {
        try
        {
            await AmendAsync(backend, ("refcount_bits", 32L));
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private static Task AmendAsync(BlockBackend backend, (string Option, object Value) change) => backend.AmendAsync(new OptionsDictionary
    {
        [change.Option] = change.Value switch { string text => text, long number => number, bool flag => (OptionValue)flag, _ => throw new NotSupportedException() },
    });

    private static Qcow2Header Header(BlockBackend backend) => ((Qcow2Instance)backend.Root!.Instance).Metadata.Area.Header;
}
