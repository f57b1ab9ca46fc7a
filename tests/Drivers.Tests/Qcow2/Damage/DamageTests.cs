using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Tests.Qcow2.Check;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Damage;

/// <summary>
/// What becomes of an image with one field wrong: it is refused where the well-known programs refuse it, nothing else fails than requests, memory stays bounded, a
/// write makes nothing worse, and a repair mends what others mend.
/// </summary>
[TestFixture]
public sealed class DamageTests
{
    // Above what a sound image needs.
    private const long MemoryBytesMax = 64L << 20;

    public static IEnumerable<TestCaseData> All => DamageCases.All.Select(static damage => new TestCaseData(damage).SetArgDisplayNames(damage.Id));

    [Test]
    public void The_table_has_every_case_once() =>
        Assert.That(DamageCases.All.Select(static damage => damage.Id).Distinct().Count(), Is.EqualTo(DamageObservations.Count), "cases, and what was observed of them");

    [TestCaseSource(nameof(All))]
    public void A_damaged_image_is_refused_where_others_refuse_it(object damage)
    {
        DamageCase one = (DamageCase)damage;
        char check = Check(one, ImageRepairs.None);
        char read = Outcome(one, isReadOnly: true, static backend => backend.ReadAsync(0, new byte[64 << 10]));
        char write = Outcome(one, isReadOnly: false, WriteAsync);
        string seen = $"{one.Id}: check {check} read {read} write {write}; others {one.Observed}";
        if (DamageExceptions.Of(one.Id) is var (outcome, reason))
        {
            Assert.That($"{check}{read}{write}", Is.EqualTo(outcome), $"{seen}, meant to differ: {reason}");
            return;
        }

        Assert.That(Severity(check), Is.GreaterThanOrEqualTo(Severity(one.Observed[1])), seen);
        Assert.That(read == '0' && one.Observed[2] == '1', Is.False, seen);
        Assert.That(write == '0' && one.Observed[3] is '1' or 's', Is.False, seen);
    }

    [TestCaseSource(nameof(All))]
    public void A_write_into_a_damaged_image_makes_it_no_worse(object damage)
    {
        DamageCase one = (DamageCase)damage;
        using GraphFixture fixture = Open(one);
        fixture.Run(async () =>
        {
            ImageCheck? before = await TryCheckAsync(fixture, ImageRepairs.None);
            await TryAsync(fixture, isReadOnly: false, WriteAsync);
            ImageCheck? after = await TryCheckAsync(fixture, ImageRepairs.None);
            if (before is { CorruptionCount: 0 } && one.Base != "dfile")
            {
                Assert.That(after?.CorruptionCount, Is.Zero, $"{one.Id}: errors after a write");
            }
        });
    }

    [TestCaseSource(nameof(All))]
    public void A_repair_mends_what_others_mend(object damage)
    {
        DamageCase one = (DamageCase)damage;
        using GraphFixture fixture = Open(one);
        fixture.Run(async () =>
        {
            ImageCheck? before = await TryCheckAsync(fixture, ImageRepairs.None);
            ImageCheck? repair = await TryCheckAsync(fixture, ImageRepairs.Leaks | ImageRepairs.Errors);
            ImageCheck? after = await TryCheckAsync(fixture, ImageRepairs.None);
            Assert.That(after is not null || before is null, $"{one.Id}: it can be checked as before");
            Assert.That(after?.CorruptionCount ?? 0, Is.LessThanOrEqualTo((before?.CorruptionCount ?? after?.CorruptionCount ?? 0) + DamageExceptions.NewFindings(one.Id)), $"{one.Id}: errors");
            Assert.That((repair?.CorruptionCount, repair?.LeakCount), Is.EqualTo((after?.CorruptionCount, after?.LeakCount)), $"{one.Id}: what the repair says is left");
            if (one.Observed[4] == '0' && (before ?? after) is not null && DamageExceptions.Unmended(one.Id) is null)
            {
                Assert.That(after!.IsClean, Is.True, $"{one.Id}: others mend it; {after}");
            }
        });
    }

    [TestCaseSource(nameof(All))]
    public void Passes_over_a_few_clusters_each_find_and_mend_what_one_pass_does(object damage)
    {
        DamageCase one = (DamageCase)damage;
        foreach (ImageRepairs repairs in new[] { ImageRepairs.None, ImageRepairs.Leaks, ImageRepairs.Leaks | ImageRepairs.Errors })
        {
            (string found, byte[] image) = CheckWith(one, new ImageCheckRequest { Repairs = repairs });

            // For most a page at a time; where thousands of clusters are wrong, some hundreds of them.
            (string foundInParts, byte[] imageInParts) = CheckWith(one, new ImageCheckRequest { Repairs = repairs, CountBytesMax = found.Count('\n') });
            Assert.That(foundInParts, Is.EqualTo(found), $"{one.Id}, {repairs}: findings");
            Assert.That(imageInParts.AsSpan().SequenceEqual(image), Is.True, $"{one.Id}, {repairs}: the image");
        }
    }

    internal static Task<BlockBackend> OpenAsync(GraphFixture fixture, BackendOptions? backend, bool isReadOnly = false)
    {
        OptionsDictionary options = GraphFixture.Options("driver=qcow2,node-name=top,file.driver=memory,file.filename=img");
        options["backing"] = OptionNull.Instance;
        if (isReadOnly)
        {
            options["read-only"] = "on";
        }

        return fixture.Graph.OpenAsync(options, backend);
    }

    private static GraphFixture Open(DamageCase damage)
    {
        DamagedImage image = SoundImages.Get(damage.Base);
        damage.Spoil(image);
        GraphFixture fixture = new(drivers: [new Qcow2Driver()]);
        fixture.Memory.Storage("img").Replace(image.Bytes);
        return fixture;
    }

    private static async ValueTask WriteAsync(BlockBackend backend)
    {
        byte[] bytes = new byte[4096];
        Array.Fill(bytes, (byte)0x77);
        await backend.WriteAsync(0, bytes);
        await backend.WriteAsync(2 << 20, bytes);
        await backend.FlushAsync();
    }

    // How much a program said is wrong: nothing, only leaks, errors.
    private static int Severity(char outcome) => outcome switch { '0' => 0, '3' => 1, _ => 2 };

    private static char Check(DamageCase damage, ImageRepairs repairs)
    {
        using GraphFixture fixture = Open(damage);
        ImageCheck? result = null;
        fixture.Run(async () => result = await TryCheckAsync(fixture, repairs));
        return result switch { null or { UncheckedCount: > 0 } => '1', { CorruptionCount: > 0 } => '2', { LeakCount: > 0 } => '3', _ => '0' };
    }

    // What it says, in the order of words: many passes come to the same things in another order.
    private static (string Found, byte[] Image) CheckWith(DamageCase damage, ImageCheckRequest request)
    {
        using GraphFixture fixture = Open(damage);
        FindingTexts findings = new();
        List<string> found = [];
        fixture.Run(async () =>
        {
            try
            {
                await using BlockBackend backend = await OpenAsync(fixture, new BackendOptions { ForCheck = true }, isReadOnly: request.Repairs == ImageRepairs.None);
                found.Add($"{await backend.CheckAsync(request with { Findings = findings })}");
            }
            catch (BlockException error)
            {
                found.Add(error.Message);
            }
        });
        return (string.Join("\n", found.Concat(findings.Texts.Order(StringComparer.Ordinal))), fixture.Memory.Storage("img").Bytes);
    }

    private static char Outcome(DamageCase damage, bool isReadOnly, Func<BlockBackend, ValueTask> work)
    {
        using GraphFixture fixture = Open(damage);
        bool isDone = false;
        fixture.Run(async () =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            isDone = await TryAsync(fixture, isReadOnly, work);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(MemoryBytesMax), $"{damage.Id}: memory");
        });
        return isDone ? '0' : '1';
    }

    // Any other exception than a refusal is a crash, and fails the test.
    private static async Task<bool> TryAsync(GraphFixture fixture, bool isReadOnly, Func<BlockBackend, ValueTask> work)
    {
        try
        {
            await using BlockBackend backend = await OpenAsync(fixture, null, isReadOnly);
            await work(backend);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private static async Task<ImageCheck?> TryCheckAsync(GraphFixture fixture, ImageRepairs repairs)
    {
        try
        {
            await using BlockBackend backend = await OpenAsync(fixture, new BackendOptions { ForCheck = true }, isReadOnly: repairs == ImageRepairs.None);
            return await backend.CheckAsync(repairs);
        }
        catch (BlockException)
        {
            return null;
        }
    }
}
