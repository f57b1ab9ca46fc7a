using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Amending;

/// <summary>An amendment changes which backing file an image names, and nothing else of what it holds.</summary>
[TestFixture]
public sealed class AmendBackingTests : Qcow2ImageTestBase
{
    private const int Length = 96 << 10;

    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = Length, ClusterBits = 9 };
    private static readonly Qcow2CreateOptions s_overlay = s_options with { BackingFileName = "memory:old", BackingFormat = "raw" };

    private protected override IEnumerable<BlockDriver> Drivers => [new Qcow2Driver(), new RawDriver()];

    [SetUp]
    public void MakeBases()
    {
        Array.Fill(Fixture.Memory.Storage("old", Length).Bytes, (byte)7);
        Array.Fill(Fixture.Memory.Storage("new", Length * 2).Bytes, (byte)8);
        Fixture.Memory.Storage("qcow2").Replace(new Qcow2Layout(s_options.CreateHeaderArea(), Length).ToArray());
    }

    // What is said, and what the image says then; '-' is for nothing.
    [TestCase("backing_file=memory:new", "memory:new", "raw", 8)]
    [TestCase("backing_file=memory:new,backing_fmt=raw", "memory:new", "raw", 8)]
    [TestCase("backing_file=memory:qcow2,backing_fmt=qcow2", "memory:qcow2", "qcow2", 0)]
    [TestCase("backing_file=", "-", "-", 0)]
    [TestCase("backing_file=,backing_fmt=", "-", "-", 0)]
    [TestCase("backing_file=memory:old", "memory:old", "raw", 7)]
    [TestCase("backing_fmt=raw", "memory:old", "raw", 7)]
    public void The_image_says_so_and_reads_as_before_until_it_is_opened_again(string options, string name, string format, byte shown) => Fixture.Run(async () =>
    {
        MakeImage(s_overlay);
        await using (BlockBackend backend = await OpenAsync())
        {
            await WriteAsync(backend, 1024, 1024, 1);
            byte[] before = await ReadAllAsync(backend);
            await backend.AmendAsync(GraphFixture.Options(options));
            Assert.That(Fixture.Graph.Nodes.Select(static node => node.ShownFileName), Has.None.Contains("memory:new").And.None.Contains("memory:qcow2"), "the new one is closed again");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(before), "the data");
            RequireSound(Disk.BytesAfterPowerLoss(), "at once");
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That((again.Root!.Instance.BackingFileName ?? "-", again.Root.Instance.BackingFormat ?? "-"), Is.EqualTo((name, format)), "what the image says");
        Assert.That((await ReadAllAsync(again))[..4096], Is.EqualTo(Fill(1024, shown).Concat(Fill(1024, 1)).Concat(Fill(2048, shown))), "what shows through");
    });

    [Test]
    public void The_format_alone_changes() => Fixture.Run(async () =>
    {
        MakeImage(s_options with { BackingFileName = "memory:qcow2", BackingFormat = "raw" });
        await using (BlockBackend backend = await OpenAsync())
        {
            await backend.AmendAsync(GraphFixture.Options("backing_fmt=qcow2"));
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That(again.Root!.CowChild?.Node.Driver.Name, Is.EqualTo("qcow2"), "the backing image");
        Assert.That(await ReadAllAsync(again), Is.EqualTo(new byte[Length]), "the data");
    });

    // The old one cannot be opened any more, and nobody needs it.
    [Test]
    public void Another_takes_the_place_of_one_that_is_gone() => Fixture.Run(async () =>
    {
        MakeImage(s_options with { BackingFileName = "memory:gone", BackingFormat = "raw" });
        await using (BlockBackend backend = await OpenAloneAsync())
        {
            await backend.AmendAsync(GraphFixture.Options("backing_file=memory:new"));
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That(await ReadAllAsync(again), Is.EqualTo(Fill(Length, 8)), "the data");
    });

    // Everything at once: the new backing image is longer than the image was, and shows nothing where that had zeros, or nothing at all.
    [TestCase("backing_file=memory:new,size=192k", true)]
    [TestCase("backing_file=memory:new,size=192k", false)]
    [TestCase("backing_file=memory:new,compat=0.10", true)]
    [TestCase("backing_file=memory:new,compat=0.10", false)]
    [TestCase("backing_file=memory:new,size=192k,refcount_bits=64,lazy_refcounts=on", true)]
    public void With_other_properties_zeros_stay_zeros_and_growth_is_zeros(string options, bool hasBacking) => Fixture.Run(async () =>
    {
        MakeImage(hasBacking ? s_overlay : s_options);
        await using (BlockBackend backend = await OpenAsync())
        {
            await backend.WriteZeroesAsync(4096, 2048, RequestFlags.MayUnmap);
            OptionsDictionary all = GraphFixture.Options(options.Replace("192k", "196608", StringComparison.Ordinal) + (hasBacking ? "" : ",backing_fmt=raw"));
            await backend.AmendAsync(all);
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        await using BlockBackend again = await OpenAsync();
        byte[] data = await ReadAllAsync(again);
        Assert.That(data[Length..], Is.All.Zero, "what it has grown by");

        Assert.That(data[..Length], Is.EqualTo(Fill(4096, 8).Concat(new byte[2048]).Concat(Fill(Length - 6144, 8))), "what was there");
    });

    [TestCase("backing_file=/none/x", "backing_file: *")]
    [TestCase("backing_file=memory:new,backing_fmt=rwa", "backing_fmt: Unknown driver 'rwa' (did you mean 'raw'?)")]
    [TestCase("backing_file=memory:new,backing_fmt=memory", "backing_fmt: 'memory' is no image format")]
    [TestCase("backing_file=memory:new,backing_fmt=", "backing_fmt: the format of 'memory:new' must be said")]
    [TestCase("backing_file=memory:new,backing_fmt=qcow2", "backing_file: Image is not in qcow2 format")]
    [TestCase("backing_fmt=qcow2", "backing_fmt: Image is not in qcow2 format")]
    [TestCase("backing_fmt=", "backing_fmt: the format of 'memory:old' must be said")]
    [TestCase("backing_file=,backing_fmt=raw", "backing_fmt: the image would have no backing file")]
    [TestCase("backing_file=faulty:disk,backing_fmt=qcow2", "backing_file: Image 'faulty:disk': Backing file 'faulty:disk' creates an infinite loop.")]
    [TestCase("backing_file=memory:over,backing_fmt=qcow2", "backing_file: Could not open backing file: Image 'memory:over': Backing file 'faulty:disk' creates an infinite loop.")]
    [TestCase("backing_file=nbd:new,backing_fmt=raw", "backing_file: Image 'faulty:disk' names 'nbd:new' as its backing file: 'nbd:' is not followed out of an image")]
    [TestCase("backing_file=memory:new,compat=2", "Unknown compatibility level 2")]
    [TestCase("backing_file=memory:new,compat=0.10,refcount_bits=8", "Refcount widths other than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)")]
    [TestCase("backing_file=/none/x,compat=0.10", "backing_file: *")]
    [TestCase("backing_file=memory:new,compat=0.10,size=196608", "Failed to zero out new clusters: Operation not supported")]
    public void What_cannot_be_is_refused_before_anything_changes(string options, string refusal) => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("over").Replace(new Qcow2Layout((s_options with { BackingFileName = "faulty:disk", BackingFormat = "qcow2" }).CreateHeaderArea(), Length).ToArray());
        MakeImage(s_overlay);
        await RefuseAsync(await OpenAsync(), options, refusal);
    });

    [Test]
    public void An_image_without_a_backing_file_has_no_format_of_one() => Fixture.Run(async () =>
    {
        MakeImage(s_options);
        await RefuseAsync(await OpenAsync(), "backing_fmt=raw", "backing_fmt: the image has no backing file");
        await RefuseAsync(await OpenAsync(), "backing_file=memory:new", "backing_fmt: the format of 'memory:new' must be said");
    });

    [Test]
    public void A_name_that_the_header_has_no_room_for_is_refused() => Fixture.Run(async () =>
    {
        string name = "memory:" + new string('n', 1017);
        Fixture.Memory.Storage(name[7..], Length);
        MakeImage(s_overlay with { ClusterBits = 16 });
        await RefuseAsync(await OpenAsync(), $"backing_file={name}", "backing_file: Backing file name too long");
        Fixture.Memory.Storage(name[7..^1], Length);
        await using (BlockBackend backend = await OpenAsync())
        {
            await backend.AmendAsync(GraphFixture.Options($"backing_file={name[..^1]}"));
        }

        Fixture.Memory.Storage(name[7..500], Length);
        MakeImage(s_overlay);
        await RefuseAsync(await OpenAsync(), $"backing_file={name[..500]}", "backing_file: The header of the image would take *");
    });

    [Test]
    public void An_image_whose_data_file_is_raw_has_none_until_it_is_raw_no_more() => Fixture.Run(async () =>
    {
        const string data = ",data-file.driver=memory,data-file.filename=data";
        Fixture.Memory.Storage("data", Length);
        MakeImage(s_options with { DataFileName = "data", HasRawDataFile = true });
        const string change = "backing_file=memory:new,backing_fmt=raw";
        await RefuseAsync(await OpenAsync(data), change, "backing_file: Cannot set a backing file for an image whose data file is raw by itself");
        await using BlockBackend backend = await OpenAsync(data);
        await backend.AmendAsync(GraphFixture.Options(change + ",data_file_raw=off"));
        Assert.That(backend.Root!.Instance.BackingFileName, Is.EqualTo("memory:new"), "the backing file");
    });

    // In QEMU's profile what there is may be confirmed, and no more.
    [TestCase("backing_file=memory:new,backing_fmt=raw", false)]
    [TestCase("backing_file=memory:old", false)]
    [TestCase("backing_file=", false)]
    [TestCase("backing_fmt=qcow2", false)]
    [TestCase("backing_file=memory:old,backing_fmt=raw", true)]
    public void In_the_qemu_profile_only_a_rebase_changes_it(string options, bool isTaken)
    {
        using GraphFixture qemu = new(drivers: Drivers, graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        qemu.Memory.Storage("old", Length);
        qemu.Memory.Storage("new", Length);
        byte[] image = new Qcow2Layout(s_overlay.CreateHeaderArea(), Length).ToArray();
        qemu.Memory.Storage("disk").Replace([.. image]);
        qemu.Run(async () =>
        {
            await using BlockBackend backend = await qemu.OpenAsync("driver=qcow2,file.driver=memory,file.filename=disk");
            if (isTaken)
            {
                await backend.AmendAsync(GraphFixture.Options(options));
                return;
            }

            BlockException refusal = await Failure.OfAsync(() => backend.AmendAsync(GraphFixture.Options(options)));
            Assert.That((refusal.Message, refusal.Hint), Is.EqualTo(("Cannot amend the backing file", "You can use 'qemu-img rebase' instead.")), "the refusal");
            Assert.That(qemu.Memory.Storage("disk").Bytes, Is.EqualTo(image), "nothing is written");
        });
    }

    // Long names do not lie in the first sector, which alone is written as a whole.
    [Test]
    public void A_call_that_fails_leaves_the_old_name_or_the_new_one([Values("new", "long", "longer")] string to, [Values("old", "long")] string from, [Values] bool isSticky)
    {
        Dictionary<string, string> names = new() { ["old"] = "old", ["new"] = "new", ["long"] = new string('a', 450), ["longer"] = new string('b', 900) };
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            string when = $"with call {failing} failing";
            Fixture.Run(async () =>
            {
                foreach (string name in names.Values)
                {
                    Fixture.Memory.Storage(name, Length);
                }

                MakeImage(s_options with { ClusterBits = 12, BackingFileName = "memory:" + names[from], BackingFormat = "raw" });
                OptionsDictionary change = GraphFixture.Options($"backing_file=memory:{names[to]}");
                await using (BlockBackend backend = await OpenAsync())
                {
                    Disk.FailNth(failing, null, BlockErrorKind.InputOutput, isSticky);
                    isOver = await IsDoneAsync(() => backend.AmendAsync(change));
                    byte[] image = Disk.BytesAfterPowerLoss(new SeededRandom((ulong)failing));
                    Disk.Heal();
                    RequireSound(image, $"{when}, without power");
                    Assert.That(NameIn(image), Is.EqualTo("memory:" + names[isOver ? to : from]).Or.EqualTo("memory:" + names[to]), $"what the file says {when}");
                    Assert.That(backend.Root!.Instance.BackingFileName, Is.EqualTo("memory:" + names[isOver ? to : from]), $"what the image says {when}");
                    await WriteAsync(backend, 60_000, 10_000, 2);
                    await backend.AmendAsync(change);
                }

                RequireSound(Disk.Storage.Bytes, $"{when}, at the end");
                Assert.That(NameIn(Disk.Storage.Bytes), Is.EqualTo("memory:" + names[to]), $"the end {when}");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(1), "a change takes several calls");
                return;
            }
        }
    }

    private static string NameIn(byte[] image)
    {
        Assert.That(Qcow2Header.TryParse(image, out Qcow2Header header, out _), "the header");
        return Qcow2HeaderArea.Parse(header, image.AsSpan(0, 1 << header.ClusterBits)).BackingFileName ?? "-";
    }

    private static async Task<bool> IsDoneAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private async Task RefuseAsync(BlockBackend opened, string options, string refusal)
    {
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        await using (opened)
        {
            int nodeCount = Fixture.Graph.Nodes.Count;
            BlockException error = await Failure.OfAsync(() => opened.AmendAsync(GraphFixture.Options(options)));
            Assert.That(error.Message, refusal.EndsWith('*') ? Does.StartWith(refusal[..^1]) : Is.EqualTo(refusal), "the reason");
            Assert.That(Fixture.Graph.Nodes, Has.Count.EqualTo(nodeCount), "nothing is left open");
        }

        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing was written");
    }

    private Task<BlockBackend> OpenAloneAsync()
    {
        OptionsDictionary options = GraphFixture.Options("driver=qcow2,file.driver=faulty,file.filename=disk");
        options["backing"] = OptionNull.Instance;
        return Fixture.Graph.OpenAsync(options);
    }

    private static byte[] Fill(int count, byte value) => [.. Enumerable.Repeat(value, count)];
}
