using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Luks;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Luks;

/// <summary>
/// Making images and changing their key slots, through the graph; each of the storage's calls fails in turn:
/// <code>
///   backend ──► luks ──file──► faulty "disk"
/// </code>
/// </summary>
[TestFixture]
public sealed class LuksKeySlotTests
{
    private const int LengthBytes = 4096;
    private const string Open = "driver=luks,file.driver=faulty,file.filename=disk,key-secret=";

    private static readonly byte[] s_image = LuksImage.Make(LengthBytes);

    [Test]
    public void A_second_passphrase_opens_and_the_first_is_erased() => Run(async fixture =>
    {
        await using (BlockBackend backend = await fixture.OpenAsync(Open + LuksImage.SecretId))
        {
            await backend.AmendAsync(Add());
            await backend.AmendAsync(new OptionsDictionary { { "state", "inactive" }, { "old-secret", LuksImage.SecretId } });
        }

        Assert.That(await CanOpenAsync(fixture, "new"), Is.True, "the new one");
        Assert.That(await CanOpenAsync(fixture, LuksImage.SecretId), Is.False, "the old one");
    });

    [Test]
    public void The_last_key_goes_only_by_force() => Run(async fixture =>
    {
        await using BlockBackend backend = await fixture.OpenAsync(Open + LuksImage.SecretId);
        OptionsDictionary erase = new() { { "state", "inactive" }, { "keyslot", 0L } };
        BlockException error = await Failure.OfAsync(() => backend.AmendAsync(erase));
        Assert.That(error.Message, Is.EqualTo("Attempt to erase the only active keyslot 0 which will erase all the data in the image irreversibly - refusing operation"), "the text");
        await backend.AmendAsync(erase, isForced: true);
        Assert.That(await CanOpenAsync(fixture, LuksImage.SecretId), Is.False, "nothing opens it");
    });

    [TestCase("state=active", "'new-secret' is required to activate a keyslot")]
    [TestCase("new-secret=new", "Parameter 'state' is missing")]
    [TestCase("state=foo", "Parameter 'state' does not accept value 'foo'")]
    [TestCase("state=active,new-secret=nope", "No secret with id 'nope'")]
    [TestCase("state=active,new-secret=", "No secret with id ''")]
    [TestCase("state=inactive,old-secret=nope", "No secret with id 'nope'")]
    [TestCase("state=inactive,keyslot=0,new-secret=", "'new-secret' must not be given when erasing keyslots")]
    [TestCase("state=inactive,keyslot=0,iter-time=1", "'iter-time' must not be given when erasing keyslots")]
    [TestCase("state=inactive,keyslot=0,old-secret=new", "Given keyslot 0 doesn't contain the given old password for erase operation")]
    [TestCase("state=active,new-secret=new,keyslot=x", "Parameter 'keyslot' expects a number")]
    [TestCase("state=active,new-secret=new,iter-time=-1", "Parameter 'iter-time' expects a number that is not negative")]
    public void A_change_that_is_refused_changes_nothing(string options, string message) => Run(async fixture =>
    {
        await using BlockBackend backend = await fixture.OpenAsync(Open + LuksImage.SecretId);
        BlockException error = await Failure.OfAsync(() => backend.AmendAsync(GraphFixture.Options(options)));
        Assert.That(error.Message, Is.EqualTo(message), "the text, as QEMU 7.2 has it");
        Assert.That(fixture.Faulty.Disk("disk").Storage.Bytes, Is.EqualTo(s_image), "the file");
    });

    [Test]
    public void Whatever_call_of_the_storage_fails_an_old_or_a_new_key_opens([Values] bool isAdding, [Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind kind)
    {
        bool isDone = false;
        for (int n = 1; !isDone; n++)
        {
            Assert.That(n, Is.LessThan(50), "the change comes to an end");
            Run(async fixture =>
            {
                await using (BlockBackend first = await fixture.OpenAsync(Open + LuksImage.SecretId))
                {
                    await first.AmendAsync(Add());
                    fixture.Faulty.Disk("disk").FailNth(n, error: kind);
                    OptionsDictionary change = isAdding ? Add("other") : new OptionsDictionary { { "state", "inactive" }, { "old-secret", "new" } };
                    isDone = await TryAmendAsync(first, change, kind);
                    fixture.Faulty.Disk("disk").Heal();
                }

                Assert.That(await CanOpenAsync(fixture, LuksImage.SecretId), Is.True, $"call {n}: the key that nobody touches");
                if (isDone)
                {
                    Assert.That(await CanOpenAsync(fixture, isAdding ? "other" : "new"), Is.EqualTo(isAdding), $"call {n}: done");
                }

                await using BlockBackend again = await fixture.OpenAsync(Open + LuksImage.SecretId);
                await again.AmendAsync(Add("other"));
                Assert.That(await CanOpenAsync(fixture, "other"), Is.True, $"call {n}: later changes work");
            });
        }
    }

    [Test]
    public void Whatever_step_fails_nothing_is_left_of_a_new_image()
    {
        // What follows closes the file, and closing goes on whatever a hook says.
        int stepCount = CreateFailingAt(int.MaxValue);
        Assert.That(stepCount, Is.GreaterThanOrEqualTo(5), "the count of steps fell");
        for (int failing = 1; failing <= stepCount; failing++)
        {
            CreateFailingAt(failing);
        }
    }

    private static int CreateFailingAt(int failing)
    {
        int steps = 0;
        int lastOfMaking = 0;
        Run(async fixture =>
        {
            fixture.StepHook = name =>
            {
                steps++;
                lastOfMaking = name == "close luks file" ? steps : lastOfMaking;
                if (steps == failing)
                {
                    throw new BlockException($"step {name} fails");
                }
            };
            ImageCreation creation = new(fixture.Graph, "luks", "memory:made");
            OptionsDictionary options = new() { { "size", (long)LengthBytes }, { "key-secret", LuksImage.SecretId }, { "iter-time", 0L } };
            bool isMade = true;
            try
            {
                await creation.CreateAsync(options);
            }
            catch (BlockException error)
            {
                Assert.That(error.Message, Does.EndWith("fails"), "why");
                isMade = false;
            }

            fixture.StepHook = null;
            Assert.That(isMade, Is.EqualTo(failing == int.MaxValue), $"step {failing}");
            Assert.That(fixture.Memory.Has("made"), Is.EqualTo(isMade), $"step {failing}: the file");
            Assert.That(fixture.Graph.Nodes, Is.Empty, $"step {failing}: no node");
        });
        return lastOfMaking;
    }

    private static async Task<bool> TryAmendAsync(BlockBackend backend, OptionsDictionary change, BlockErrorKind kind)
    {
        try
        {
            await backend.AmendAsync(change);
            return true;
        }
        catch (BlockException error)
        {
            Assert.That(error.Kind, Is.EqualTo(kind), error.Message);
            return false;
        }
    }

    private static OptionsDictionary Add(string secret = "new") => new() { { "state", "active" }, { "new-secret", secret }, { "iter-time", 0L } };

    private static async Task<bool> CanOpenAsync(GraphFixture fixture, string secret)
    {
        try
        {
            await using BlockBackend backend = await fixture.OpenAsync($"{Open}{secret},read-only=on,force-share=on", new BackendOptions { ReadOnly = true });
            return true;
        }
        catch (BlockException error)
        {
            Assert.That(error.Message, Is.EqualTo("Invalid password, cannot unlock any keyslot"), "the only reason why not");
            return false;
        }
    }

    private static void Run(Func<GraphFixture, Task> body)
    {
        using GraphFixture fixture = new(drivers: [new LuksDriver(), new RawDriver()]);
        fixture.Run(async () =>
        {
            fixture.Faulty.Disk("disk").Storage.Replace([.. s_image]);
            await LuksImage.AddSecretAsync(fixture.Graph);
            await LuksImage.AddSecretAsync(fixture.Graph, "new", "a new one");
            await LuksImage.AddSecretAsync(fixture.Graph, "other", "yet another");
            await body(fixture);
        });
    }
}
