using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins the nineteen keys, merging, and what is refused: in which order and in which words.</summary>
[TestFixture]
public sealed class ThrottleConfigTests
{
    private const string Mixed = "bps/iops/max total values and read/write values cannot be used at the same time";
    private const string SizeWithoutIops = "iops size requires an iops value to be set";
    private const string OutOfRange = "bps/iops/max values must be within [0, 1000000000000000]";
    private const string ZeroLength = "the burst length cannot be 0";
    private const string LengthWithoutBurst = "burst length set without burst rate";
    private const string LengthTooHigh = "burst length too high for this burst rate";
    private const string BurstWithoutRate = "bps_max/iops_max require corresponding bps/iops values";
    private const string BurstTooLow = "bps_max/iops_max cannot be lower than bps/iops";
    private const long Max = ThrottleLimits.ValueMax;

    private static readonly string[] s_meters = ["bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write"];

    [Test]
    public void The_keys_are_nineteen_in_order()
    {
        string[] expected = [.. s_meters, .. s_meters.Select(meter => meter + "-max"), .. s_meters.Select(meter => meter + "-max-length"), "iops-size"];

        Assert.Multiple(() =>
        {
            Assert.That(ThrottleKeys.All.Select(key => key.Name), Is.EqualTo(expected));
            Assert.That(ThrottleKeys.All.Select(key => key.Index), Is.EqualTo(Enumerable.Range(0, ThrottleKeys.Count)));
            Assert.That(ThrottleKeys.All.Select(key => key.Help), Is.Unique);
            Assert.That(ThrottleKeys.TryFind("iops_total", out _), Is.False, "only canonical names");
        });
    }

    [Test]
    public void The_defaults_are_no_limits_at_all() => Assert.Multiple(() =>
    {
        Assert.That(ThrottleConfig.Unlimited.Values.Select(pair => pair.Value), Is.EqualTo(ThrottleKeys.All.Select(key => key.DefaultValue)));
        Assert.That(ThrottleConfig.Unlimited.IsEnabled, Is.False);
        Assert.That(() => ThrottleConfig.Unlimited.Validate(), Throws.Nothing);
    });

    [Test]
    public void Every_key_sets_its_own_value_and_no_other([ValueSource(typeof(ThrottleKeys), nameof(ThrottleKeys.All))] ThrottleKey key)
    {
        ThrottleConfig merged = ThrottleConfig.Unlimited.Merge(new ThrottleLimitsUpdate { [key] = 7 });

        Assert.That(
            merged.Values.ToDictionary(),
            Is.EqualTo(ThrottleKeys.All.ToDictionary(other => other.Name, other => other == key ? 7 : other.DefaultValue)));
    }

    [Test]
    public void Any_rate_enables([ValueSource(nameof(s_meters))] string meter) =>
        Assert.That(Limits((meter, 1)).IsEnabled, Is.True);

    [Test]
    public void Merging_keeps_what_is_not_named()
    {
        ThrottleConfig merged = Limits(("iops-total", 10), ("iops-total-max", 20), ("iops-size", 4096)).Merge(new ThrottleLimitsUpdate { ["iops-total"] = 15 });

        Assert.That(merged, Is.EqualTo(Limits(("iops-total", 15), ("iops-total-max", 20), ("iops-size", 4096))));
    }

    [Test]
    public void Replacing_names_everything()
    {
        ThrottleConfig config = Limits(("bps-read", 10), ("bps-read-max", 20), ("bps-read-max-length", 3));
        ThrottleLimitsUpdate update = ThrottleLimitsUpdate.Replacing(config);

        Assert.Multiple(() =>
        {
            Assert.That(update.Count, Is.EqualTo(ThrottleKeys.Count));
            Assert.That(Limits(("iops-total", 5)).Merge(update), Is.EqualTo(config));
        });
    }

    [Test]
    public void An_update_holds_only_what_is_named()
    {
        ThrottleLimitsUpdate update = new() { ["iops-size"] = 512, ["bps-read-max-length"] = 2 };

        Assert.Multiple(() =>
        {
            Assert.That(update, Is.EqualTo(new[] { KeyValuePair.Create("bps-read-max-length", 2L), KeyValuePair.Create("iops-size", 512L) }));
            Assert.That(update["iops-total"], Is.Null);
            Assert.That(update[ThrottleKeys.Of(ThrottleMeter.BpsRead, ThrottleKeyPart.BurstLength)], Is.EqualTo(2));
            Assert.That(update.IsEmpty, Is.False);
            Assert.That(new ThrottleLimitsUpdate().IsEmpty, Is.True);
            Assert.That(() => update["foo"] = 1, Throws.InstanceOf<BlockException>().With.Message.EqualTo("Parameter 'foo' is unexpected"));
        });
    }

    [Test]
    public void An_unknown_meter_is_refused() =>
        Assert.That(() => ThrottleConfig.Unlimited[(ThrottleMeter)9], Throws.InstanceOf<ArgumentOutOfRangeException>());

    public static IEnumerable<TestCaseData> Valid()
    {
        yield return Row("total of one unit, directions of the other", ("bps-total", 1), ("iops-read", 1), ("iops-write", 1));
        yield return Row("reads only", ("bps-read", 1));
        yield return Row("length 1 without a burst", ("iops-total", 1), ("iops-total-max-length", 1));
        yield return Row("burst equal to the rate", ("iops-total", 5), ("iops-total-max", 5));
        yield return Row("the largest rate", ("bps-total", Max), ("bps-total-max", Max));
        yield return Row("burst 10^12 for 1000 s", ("bps-total", 1), ("bps-total-max", 1_000_000_000_000), ("bps-total-max-length", 1000));
        yield return Row("the longest length", ("iops-total", 1), ("iops-total-max", 1), ("iops-total-max-length", uint.MaxValue));
        yield return Row("iops size with one iops value", ("iops-write", 1), ("iops-size", 4096));
    }

    [TestCaseSource(nameof(Valid))]
    public void These_are_accepted((string, long)[] values) =>
        Assert.That(() => Limits(values).Validate(), Throws.Nothing);

    public static IEnumerable<TestCaseData> Invalid()
    {
        // One rule each.
        yield return Row("C1 bps", Mixed, ("bps-total", 1), ("bps-read", 1));
        yield return Row("C1 bps write", Mixed, ("bps-total", 1), ("bps-write", 1));
        yield return Row("C1 iops", Mixed, ("iops-total", 1), ("iops-read", 1));
        yield return Row("C1 bps max", Mixed, ("bps-total-max", 1), ("bps-write-max", 1));
        yield return Row("C1 iops max", Mixed, ("iops-total-max", 1), ("iops-write-max", 1));
        yield return Row("C2", SizeWithoutIops, ("bps-total", 1), ("iops-size", 4096));
        yield return Row("C3 rate", OutOfRange, ("iops-read", Max + 1));
        yield return Row("C3 burst", OutOfRange, ("iops-read", 1), ("iops-read-max", Max + 1));
        yield return Row("C3 negative rate", OutOfRange, ("iops-read", -1));
        yield return Row("C3 negative burst", OutOfRange, ("iops-read-max", -1));
        yield return Row("C4", ZeroLength, ("iops-read-max-length", 0));
        yield return Row("C5", LengthWithoutBurst, ("iops-read", 1), ("iops-read-max-length", 2));
        yield return Row("C6", LengthTooHigh, ("bps-total", 1), ("bps-total-max", 1_000_000_000_000), ("bps-total-max-length", 1001));
        yield return Row("C6 the largest burst for 2 s", LengthTooHigh, ("bps-total", 1), ("bps-total-max", Max), ("bps-total-max-length", 2));
        yield return Row("C7", BurstWithoutRate, ("bps-total-max", 1));
        yield return Row("C8", BurstTooLow, ("bps-total", 2), ("bps-total-max", 1));
        yield return Row("negative size", "Property values cannot be negative", ("iops-total", 1), ("iops-size", -5));
        yield return Row("length -1", LengthRange("bps-read-max-length"), ("bps-read-max-length", -1));

        // Two at once: the first in order is the one that is told.
        yield return Row("size before length range", "Property values cannot be negative", ("iops-size", -5), ("bps-total-max-length", 1L << 32));
        yield return Row("length range before C1", LengthRange("iops-write-max-length"), ("bps-total", 1), ("bps-read", 1), ("iops-write-max-length", 1L << 32));
        yield return Row("length ranges in order", LengthRange("bps-write-max-length"), ("iops-total-max-length", 1L << 32), ("bps-write-max-length", 1L << 32));
        yield return Row("C1 before C2", Mixed, ("bps-total", 1), ("bps-read", 1), ("iops-size", 1));
        yield return Row("C2 before C3", SizeWithoutIops, ("bps-total", Max + 1), ("iops-size", 1));
        yield return Row("C3 before C4", OutOfRange, ("bps-total", Max + 1), ("bps-total-max-length", 0));
        yield return Row("C4 before C7", ZeroLength, ("bps-total-max", 1), ("bps-total-max-length", 0));
        yield return Row("C6 before C7", LengthTooHigh, ("bps-total-max", Max), ("bps-total-max-length", 2));
        yield return Row("meters in order", LengthWithoutBurst, ("bps-read-max-length", 2), ("bps-write", Max + 1));
    }

    [TestCaseSource(nameof(Invalid))]
    public void These_are_refused_with_the_first_broken_rule(string text, (string, long)[] values) =>
        Assert.That(
            () => Limits(values).Validate("limits."),
            Throws.InstanceOf<BlockException>().With.Message.EqualTo(text).And.Property(nameof(BlockException.Kind)).EqualTo(BlockErrorKind.InvalidArgument));

    [Test]
    public void The_length_range_names_the_key_as_the_caller_spells_it() =>
        Assert.That(
            () => Limits(("iops-total-max-length", 1L << 32)).Validate(),
            Throws.InstanceOf<BlockException>().With.Message.EqualTo("iops-total-max-length value must be in the range [0, 4294967295]"));

    [Test]
    public void Every_meter_is_checked([ValueSource(nameof(s_meters))] string meter) => Assert.Multiple(() =>
    {
        Assert.That(() => Limits((meter + "-max", 1)).Validate(), Throws.InstanceOf<BlockException>().With.Message.EqualTo(BurstWithoutRate));
        Assert.That(() => Limits((meter + "-max-length", 1L << 32)).Validate("limits."), Throws.InstanceOf<BlockException>().With.Message.EqualTo(LengthRange(meter + "-max-length")));
    });

    private static string LengthRange(string key) => $"limits.{key} value must be in the range [0, 4294967295]";

    private static TestCaseData Row(string name, params (string, long)[] values) => new TestCaseData((object)values).SetArgDisplayNames(name);

    private static TestCaseData Row(string name, string text, params (string, long)[] values) => new TestCaseData(text, values).SetArgDisplayNames(name);
}
