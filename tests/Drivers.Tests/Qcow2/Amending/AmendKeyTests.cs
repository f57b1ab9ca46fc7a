using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Snapshots;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Amending;

/// <summary>The key slots of LUKS inside an image, changed while it is open.</summary>
[TestFixture]
public sealed class AmendKeyTests : SnapshotTestBase
{
    private const int Length = 64 << 10;

    private static readonly Qcow2CreateOptions s_options = new() { LengthBytes = Length, ClusterBits = 12, Encryption = Qcow2Encryption.Luks };

    [Test]
    public void A_key_is_added_and_the_old_one_erased() => Fixture.Run(async () =>
    {
        await MakeAsync();
        await using (BlockBackend backend = await OpenAsync(",encrypt.key-secret=old"))
        {
            await WriteAsync(backend, 1000, 20_000, 5);
            await AmendAsync(backend, ("state", "active"), ("new-secret", "new"), ("iter-time", "0"));
            await AmendAsync(backend, ("state", "inactive"), ("old-secret", "old"));
        }

        RequireSound(Disk.Storage.Bytes, "at the end");
        Assert.That((await Failure.OfAsync(() => OpenAsync(",encrypt.key-secret=old"))).Message, Is.EqualTo("Invalid password, cannot unlock any keyslot"), "the old one");
        await using BlockBackend again = await OpenAsync(",encrypt.key-secret=new");
        Assert.That((await ReadAllAsync(again))[1000..21_000], Is.All.EqualTo((byte)5), "the data, by the new one");
    });

    [TestCase("state=foo", "Parameter 'state' does not accept value 'foo'")]
    [TestCase("keyslot=1", "Parameter 'state' is missing")]
    [TestCase("state=active", "'new-secret' is required to activate a keyslot")]
    [TestCase("state=active,new-secret=nope", "No secret with id 'nope'")]
    [TestCase("state=active,new-secret=new,keyslot=0,iter-time=0", "Refusing to overwrite active keyslot 0 - please erase it first")]
    [TestCase("state=active,new-secret=new,keyslot=8", "Invalid keyslot 8 specified, must be between 0 and 7")]
    [TestCase("state=inactive,keyslot=5", "Given keyslot 5 is already erased (inactive) ")]
    [TestCase(
        "state=inactive,old-secret=old",
        "All the active keyslots match the (old) password that was given and erasing them will erase all the data in the image irreversibly - refusing operation")]
    public void What_makes_no_sense_or_loses_all_data_is_refused(string change, string refusal) => Fixture.Run(async () =>
    {
        await MakeAsync();
        await using BlockBackend backend = await OpenAsync(",encrypt.key-secret=old");
        byte[] before = (byte[])Disk.Storage.Bytes.Clone();
        (string, string)[] options = [.. change.Split(',').Select(part => (part.Split('=')[0], part.Split('=')[1]))];
        Assert.That((await Failure.OfAsync(() => AmendAsync(backend, options))).Message, Is.EqualTo(refusal), "the reason");
        Assert.That(Disk.Storage.Bytes, Is.EqualTo(before), "nothing was written");
    });

    [Test]
    public void The_last_key_is_erased_by_force() => Fixture.Run(async () =>
    {
        await MakeAsync();
        await using (BlockBackend backend = await OpenAsync(",encrypt.key-secret=old"))
        {
            await backend.AmendAsync(new OptionsDictionary { { "encrypt.state", "inactive" }, { "encrypt.keyslot", 0L } }, isForced: true);
        }

        Assert.That((await Failure.OfAsync(() => OpenAsync(",encrypt.key-secret=old"))).Message, Is.EqualTo("Invalid password, cannot unlock any keyslot"), "nothing opens it");
    });

    [Test]
    public void An_image_without_keys_has_none_to_change() => Fixture.Run(async () =>
    {
        await AddSecretsAsync();
        await using BlockBackend backend = await MakeAndOpenAsync(s_options with { Encryption = Qcow2Encryption.None });
        Assert.That(
            (await Failure.OfAsync(() => AmendAsync(backend, ("state", "active"), ("new-secret", "new")))).Message,
            Is.EqualTo("Can't amend encryption options - encryption not present"),
            "the reason");
    });

    [Test]
    public void A_call_that_fails_leaves_a_key_that_opens_the_image([Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind, [Values] bool isAdding)
    {
        for (int failing = 1; ; failing++)
        {
            bool isOver = false;
            Fixture.Run(async () =>
            {
                await MakeAsync();
                await using (BlockBackend backend = await OpenAsync(",encrypt.key-secret=old"))
                {
                    await WriteAsync(backend, 0, Length, 5);
                    await backend.FlushAsync();
                    if (!isAdding)
                    {
                        await AmendAsync(backend, ("state", "active"), ("new-secret", "new"), ("iter-time", "0"));
                    }

                    Disk.FailNth(failing, null, kind);
                    try
                    {
                        await (isAdding ? AmendAsync(backend, ("state", "active"), ("new-secret", "new"), ("iter-time", "0")) : AmendAsync(backend, ("state", "inactive"), ("old-secret", "old")));
                        isOver = true;
                    }
                    catch (BlockException)
                    {
                        isOver = false;
                    }

                    Disk.Heal();
                }

                RequireSound(Disk.Storage.Bytes, $"with call {failing} failing");
                await using BlockBackend again = await OpenAsync($",encrypt.key-secret={(isAdding ? "old" : "new")}");
                Assert.That(await ReadAllAsync(again), Is.All.EqualTo((byte)5), $"the data, with call {failing} failing");
            });
            TearDownFixture();
            SetUpFixture();
            if (isOver)
            {
                Assert.That(failing, Is.GreaterThan(3), "a change takes several calls");
                return;
            }
        }
    }

    private static Task AmendAsync(BlockBackend backend, params (string Key, string Value)[] change)
    {
        OptionsDictionary options = [];
        foreach ((string key, string value) in change)
        {
            options[$"encrypt.{key}"] = value;
        }

        return backend.AmendAsync(options);
    }

    private async Task AddSecretsAsync()
    {
        await Fixture.Graph.ObjectTree.AddAsync("secret", "old", new OptionsDictionary { { "data", "the old passphrase" } });
        await Fixture.Graph.ObjectTree.AddAsync("secret", "new", new OptionsDictionary { { "data", "the new passphrase" } });
    }

    private async Task MakeAsync()
    {
        await AddSecretsAsync();
        using KeyMaterial passphrase = new(18);
        "the old passphrase"u8.CopyTo(passphrase.Span);
        LuksFormatOptions luks = new() { IterTimeMs = 0 };
        byte[] header = new byte[LuksVolume.MeasureHeader(luks)];
        (await LuksVolume.FormatAsync(Fixture.Context, luks, passphrase, CancellationToken.None)).CopyTo(header);
        Disk.Storage.Replace(new Qcow2Layout(s_options.CreateHeaderArea(), Length, header).ToArray());
    }
}
