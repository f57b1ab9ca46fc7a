using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>A LUKS volume's key slots: made, opened, added, erased, whatever fails and wherever power is lost.</summary>
[TestFixture]
public sealed class LuksVolumeTests
{
    // The smallest there is: 16 bytes of key, and as few iterations as are allowed.
    private static readonly LuksFormatOptions s_small = new() { CipherAlgorithm = "aes-128", CipherMode = "cbc", IterTimeMs = 0 };

    [Test]
    public void Every_cipher_and_hash_opens_again(
        [Values("aes-128", "aes-192", "aes-256")] string algorithm, [Values("xts", "cbc")] string mode, [Values("sha1", "sha256", "sha512")] string hash) => Run(async context =>
    {
        LuksFormatOptions options = new() { CipherAlgorithm = algorithm, CipherMode = mode, HashAlgorithm = hash, IterTimeMs = 0 };
        byte[] made = (await LuksVolume.FormatAsync(context, options, Secret("one"), default)).ToArray();
        LuksVolume volume = await LuksVolume.OpenAsync(new MemoryLuksArea(made), context, isDetached: false, default);
        Assert.That(volume.PayloadOffset, Is.EqualTo(LuksVolume.MeasureHeader(options)), "where the data begin");
        Assert.That(made, Has.Length.LessThanOrEqualTo(volume.PayloadOffset), "nothing is written there");
        Assert.That(volume.Information.Slots.Count(slot => slot is { IsActive: true, IterationCount: 1000, StripeCount: 4000 }), Is.EqualTo(1), "its key slots");
        Assert.That((volume.Information.CipherAlgorithm, volume.Information.CipherMode, volume.Information.HashAlgorithm), Is.EqualTo((algorithm, mode, hash)), "as asked for");
        Assert.That(await CanOpenAsync(volume, "one"), Is.True, "its passphrase");
        Assert.That(await CanOpenAsync(volume, "two"), Is.False, "another one");
    });

    [Test]
    public void Keys_are_added_and_erased() => Run(async context =>
    {
        (MemoryLuksArea _, LuksVolume volume) = await CreateAsync(context);
        await volume.ChangeKeysAsync(Add("two"), Secret("one"), default);
        await volume.ChangeKeysAsync(Add("three") with { Slot = 5 }, Secret("two"), default);
        Assert.That(volume.Information.Slots.Select(slot => slot.IsActive), Is.EqualTo(new[] { true, true, false, false, false, true, false, false }), "the first free one, or the one that was named");
        await volume.ChangeKeysAsync(Erase(old: "one"), Secret("two"), default);
        await volume.ChangeKeysAsync(Erase(slot: 1), Secret("two"), default);
        Assert.That(await CanOpenAsync(volume, "one"), Is.False, "erased by its passphrase");
        Assert.That(await CanOpenAsync(volume, "two"), Is.False, "erased by its number");
        Assert.That(await CanOpenAsync(volume, "three"), Is.True, "the other one");
    });

    [Test]
    public void An_erased_slot_keeps_nothing_of_its_key() => Run(async context =>
    {
        (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
        await volume.ChangeKeysAsync(Add("two"), Secret("one"), default);
        byte[] header = area.Bytes[..LuksHeader.Size];
        await volume.ChangeKeysAsync(Erase(slot: 0), Secret("one"), default);

        // Somebody has a copy of the old header.
        header.CopyTo(area.Bytes, 0);
        LuksVolume restored = await LuksVolume.OpenAsync(area, context, isDetached: false, default);
        Assert.That(await CanOpenAsync(restored, "two"), Is.True, "the slot that was not erased");
        Assert.That(await CanOpenAsync(restored, "one"), Is.False, "the one that was");
    });

    [TestCaseSource(nameof(RefusedChanges))]
    public void What_makes_no_sense_or_loses_all_data_is_refused(LuksKeyChange change, string message) => Run(async context =>
    {
        (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
        byte[] before = [.. area.Bytes];
        BlockException error = await Failure.OfAsync<BlockException>(() => volume.ChangeKeysAsync(change, Secret("one"), default));
        Assert.That(error.Message, Is.EqualTo(message), "the reason");
        Assert.That(area.Bytes, Is.EqualTo(before), "nothing has changed");
    });

    [Test]
    public void By_force_the_last_key_goes_and_a_slot_is_written_over() => Run(async context =>
    {
        (MemoryLuksArea _, LuksVolume volume) = await CreateAsync(context);
        await volume.ChangeKeysAsync(Add("two") with { Slot = 0, IsForced = true }, Secret("one"), default);
        Assert.That(await CanOpenAsync(volume, "one"), Is.False, "written over");
        Assert.That(await CanOpenAsync(volume, "two"), Is.True, "by this one");
        await volume.ChangeKeysAsync(Erase(slot: 0) with { IsForced = true }, Secret("two"), default);
        Assert.That(await CanOpenAsync(volume, "two"), Is.False, "nothing opens it any more");
    });

    [Test]
    public void A_ninth_key_finds_no_slot() => Run(async context =>
    {
        (MemoryLuksArea _, LuksVolume volume) = await CreateAsync(context);
        for (int i = 1; i < LuksHeader.SlotCount; i++)
        {
            await volume.ChangeKeysAsync(Add("more"), Secret("one"), default);
        }

        BlockException error = await Failure.OfAsync<BlockException>(() => volume.ChangeKeysAsync(Add("more"), Secret("one"), default));
        Assert.That(error.Message, Is.EqualTo("Can't add a keyslot - all keyslots are in use"), "the reason");
        await volume.ChangeKeysAsync(Erase(old: "more"), Secret("one"), default);
        Assert.That(volume.Information.Slots.Count(slot => slot.IsActive), Is.EqualTo(1), "all with one passphrase are erased at once");
    });

    [Test]
    public void A_wrong_passphrase_cannot_add_a_key() => Run(async context =>
    {
        (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
        byte[] before = [.. area.Bytes];
        BlockException error = await Failure.OfAsync<BlockException>(() => volume.ChangeKeysAsync(Add("two"), Secret("wrong"), default));
        Assert.That(error.Message, Is.EqualTo("Invalid password, cannot unlock any keyslot"), "the reason");
        Assert.That(area.Bytes, Is.EqualTo(before), "nothing has changed");
    });

    [Test]
    public void A_forged_count_of_iterations_is_refused_at_once_and_hides_no_other_slot() => Run(async context =>
    {
        (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
        await volume.ChangeKeysAsync(Add("two"), Secret("one"), default);

        // Big-endian, four bytes into slot 0.
        area.Bytes.AsSpan(208 + 4, 4).Fill(0xFF);
        volume = await LuksVolume.OpenAsync(area, context, isDetached: false, default);
        Assert.That(await CanOpenAsync(volume, "two"), Is.True, "the sound slot");
        BlockException error = await Failure.OfAsync<BlockException>(() => volume.UnlockAsync(Secret("one"), default));
        Assert.That(error.Message, Is.EqualTo("Keyslot 0 iteration count 4294967295 is more than the 20000000 that are accepted"), "field and value");

        area.Bytes.AsSpan(164, 4).Fill(0xFF);
        volume = await LuksVolume.OpenAsync(area, context, isDetached: false, default);
        error = await Failure.OfAsync<BlockException>(() => volume.UnlockAsync(Secret("two"), default));
        Assert.That(error.Message, Is.EqualTo("LUKS key iteration count 4294967295 is more than the 20000000 that are accepted"), "field and value");
    });

    [Test]
    public void Unlocking_can_be_cancelled_in_the_middle() => Run(async context =>
    {
        (MemoryLuksArea area, _) = await CreateAsync(context);

        // 19 million iterations.
        new byte[] { 0x01, 0x21, 0xEA, 0xC0 }.CopyTo(area.Bytes, 208 + 4);
        LuksVolume volume = await LuksVolume.OpenAsync(area, context, isDetached: false, default);
        using CancellationTokenSource cancel = new();
        int callCount = area.CallCount;
        Task unlocking = volume.UnlockAsync(Secret("one"), cancel.Token);
        await context.YieldAsync();
        await cancel.CancelAsync();
        await Failure.OfAsync<OperationCanceledException>(() => unlocking);
        Assert.That(area.CallCount, Is.EqualTo(callCount), "its key material was not even read");
    });

    // For each n the n-th call of the area fails, until one n succeeds.
    [Test]
    public void Whatever_call_fails_a_change_either_holds_or_has_not_happened([Values] bool isActivating, [Values] bool forGood) => Run(async context =>
    {
        for (int n = 1; ; n++)
        {
            (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
            await volume.ChangeKeysAsync(Add("two"), Secret("one"), default);
            area.FailingCall = area.CallCount + n;
            area.FailsForGood = forGood;
            LuksKeyChange change = isActivating ? Add("three") : Erase(slot: 0);
            BlockException? error = null;
            try
            {
                await volume.ChangeKeysAsync(change, Secret("two"), default);
            }
            catch (BlockException failure)
            {
                error = failure;
            }

            area.FailingCall = 0;
            LuksVolume again = await LuksVolume.OpenAsync(area, context, isDetached: false, default);
            Assert.That(await CanOpenAsync(again, "two"), Is.True, $"call {n}: the key that nobody touches");
            if (error is null)
            {
                Assert.That(await CanOpenAsync(again, isActivating ? "three" : "one"), Is.EqualTo(isActivating), $"call {n}: done");
                break;
            }

            Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"call {n}: the failure");
            if (!forGood)
            {
                Assert.That(again.Information.Slots, Is.EqualTo(volume.Information.Slots), $"call {n}: memory and storage agree");
            }

            await again.ChangeKeysAsync(Add("four"), Secret("two"), default);
            Assert.That(await CanOpenAsync(again, "four"), Is.True, $"call {n}: the volume can be changed afterwards");
        }
    });

    [Test]
    public void Wherever_power_is_lost_an_old_or_a_new_key_opens([Values] bool isActivating) => Run(async context =>
    {
        (MemoryLuksArea area, LuksVolume volume) = await CreateAsync(context);
        await volume.ChangeKeysAsync(Add("two"), Secret("one"), default);
        area.AfterPowerCuts.Clear();
        await volume.ChangeKeysAsync(isActivating ? Add("three") : Erase(slot: 1), Secret("one"), default);
        Assert.That(area.AfterPowerCuts, Has.Count.EqualTo(4), "two writes, cut in the middle and behind");
        foreach (byte[] left in area.AfterPowerCuts)
        {
            LuksVolume after = await LuksVolume.OpenAsync(new MemoryLuksArea(left), context, isDetached: false, default);
            Assert.That(await CanOpenAsync(after, "one"), Is.True, "the key that nobody touches");
            foreach (int slot in Enumerable.Range(0, LuksHeader.SlotCount).Where(slot => after.Information.Slots[slot].IsActive))
            {
                string passphrase = slot == 0 ? "one" : slot == 1 ? "two" : "three";
                Assert.That(await CanOpenAsync(after, passphrase), Is.True, $"a slot that says it is active opens: {slot}");
            }
        }
    });

    private static IEnumerable<TestCaseData> RefusedChanges()
    {
        yield return Case(new LuksKeyChange { IsActivating = true }, "'new-secret' is required to activate a keyslot");
        yield return Case(Add("x") with { OldPassphrase = Secret("one") }, "'old-secret' must not be given when activating keyslots");
        yield return Case(Add("x") with { Slot = 0 }, "Refusing to overwrite active keyslot 0 - please erase it first");
        yield return Case(Add("x") with { Slot = 8 }, "Invalid keyslot 8 specified, must be between 0 and 7");
        yield return Case(Erase(), "To erase keyslot(s), either explicit keyslot index or the password currently contained in them must be given");
        yield return Case(Erase(slot: 3), "Given keyslot 3 is already erased (inactive) ");
        yield return Case(Erase(old: "other"), "No keyslots match given (old) password for erase operation");
        yield return Case(Erase(slot: 0) with { NewPassphrase = Secret("one") }, "'new-secret' must not be given when erasing keyslots");
        yield return Case(Erase(slot: 0) with { IterTimeMs = 10 }, "'iter-time' must not be given when erasing keyslots");
        yield return Case(Erase(old: "one"), "All the active keyslots match the (old) password that was given and erasing them will erase all the data in the image irreversibly - refusing operation");

        static TestCaseData Case(LuksKeyChange change, string message) => new TestCaseData(change, message).SetArgDisplayNames(message);
    }

    private static LuksKeyChange Add(string passphrase) => new() { IsActivating = true, NewPassphrase = Secret(passphrase), IterTimeMs = 0 };

    private static LuksKeyChange Erase(int? slot = null, string? old = null) =>
        new() { IsActivating = false, Slot = slot, OldPassphrase = old is null ? null : Secret(old) };

    private static KeyMaterial Secret(string text) => new(System.Text.Encoding.UTF8.GetBytes(text));

    private static async Task<(MemoryLuksArea Area, LuksVolume Volume)> CreateAsync(AioContext context)
    {
        byte[] bytes = new byte[LuksVolume.MeasureHeader(s_small)];
        (await LuksVolume.FormatAsync(context, s_small, Secret("one"), default)).CopyTo(bytes);
        MemoryLuksArea area = new(bytes);
        return (area, await LuksVolume.OpenAsync(area, context, isDetached: false, default));
    }

    private static async Task<bool> CanOpenAsync(LuksVolume volume, string passphrase)
    {
        try
        {
            (await volume.UnlockAsync(Secret(passphrase), default)).Dispose();
            return true;
        }
        catch (BlockException error)
        {
            Assert.That(error.Message, Is.EqualTo("Invalid password, cannot unlock any keyslot"), "the only reason why not");
            return false;
        }
    }

    private static void Run(Func<AioContext, Task> body)
    {
        using PolledAioContext context = new("test");
        context.Run(() => body(context));
    }
}
