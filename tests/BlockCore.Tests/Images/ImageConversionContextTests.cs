using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Backend;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>Conversions on several contexts at once: who reads, who writes, and in which order.</summary>
[TestFixture]
public sealed class ImageConversionContextTests
{
    private const int Length = 12 << 20;
    private const int StepBytes = 2 << 20;

    // shared a -> shared b, both called from main, one and two
    [Test]
    public void Every_context_converts_and_what_is_written_is_in_order_all_the_same([Values] bool outOfOrder, [Range(0, 11)] int seed) => Run(seed, async (fixture, a, b) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture);
        await using BlockBackend target = await fixture.OpenAsync("driver=b,zeroes=on");
        AioContext[] more = [fixture.ContextOf("one"), fixture.ContextOf("two")];
        int before = a.Log.Count;
        ImageConversionOptions options = new() { WritesOutOfOrder = outOfOrder, MoreContexts = more, RequestCount = 3 + (seed % 4) };
        Witness witness = new(fixture.Context);
        ImageConversionResult result = await ImageConversion.RunAsync([source], target, options, witness);
        Assert.That(b.Bytes.AsSpan().CommonPrefixLength(a.Bytes), Is.EqualTo(Length), "the first difference");
        Assert.That(result.DataBytes + result.ZeroBytes, Is.EqualTo(Length), "every byte was one or the other");
        Assert.That(a.Log.Skip(before).Select(call => call.Context).Distinct(), Is.EquivalentTo(new[] { "main", "one", "two" }), "who has read");
        Assert.That(outOfOrder || b.Log.Where(call => call.Kind == RequestKind.Write).Select(call => call.Offset).SequenceEqual(b.Log.Where(call => call.Kind == RequestKind.Write).Select(call => call.Offset).Order()), Is.True, "the order of writes");
        Assert.That((source.Submitters.Count, target.Submitters.Count), Is.EqualTo((1, 1)), "the contexts submit no more");
        Assert.That((witness.DoneBytes, witness.IsHome), Is.EqualTo(((long)Length, true)), "what was told, and where");
        Assert.That(witness.StepCount - (Length / StepBytes), outOfOrder ? Is.InRange(1, 2) : Is.EqualTo(1), "each step was told, and the beginning; out of order, the end may come before the rest");
    });

    // home a -> shared b: main reads, one writes; shared a -> home b: one and two read, main writes
    [Test]
    public void Of_a_side_that_is_bound_to_its_home_the_home_alone_does_the_work([Values] bool ofSource, [Values] bool outOfOrder, [Range(0, 11)] int seed) => Run(seed, async (fixture, a, b) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture, ofSource ? ",any-context=off" : "");
        await using BlockBackend target = await fixture.OpenAsync(ofSource ? "driver=b" : "driver=b,any-context=off");
        int before = a.Log.Count;
        ImageConversionOptions options = new() { WritesOutOfOrder = outOfOrder, MoreContexts = [fixture.ContextOf("one"), fixture.ContextOf("two")], RequestCount = 3 + (seed % 4) };
        Witness witness = new(fixture.Context);
        await ImageConversion.RunAsync([source], target, options, witness);
        Assert.That(b.Bytes.AsSpan().CommonPrefixLength(a.Bytes), Is.EqualTo(Length), "the first difference");
        Assert.That(a.Log.Skip(before).Select(call => call.Context).Distinct(), Is.EquivalentTo(ofSource ? new[] { "main" } : ["one", "two"]), "who has read");
        Assert.That(b.Log.Select(call => call.Context).Distinct(), Is.EqualTo(new[] { ofSource ? "one" : "main" }), "who has written");
        Assert.That(outOfOrder || b.Log.Where(call => call.Kind == RequestKind.Write).Select(call => call.Offset).SequenceEqual(b.Log.Where(call => call.Kind == RequestKind.Write).Select(call => call.Offset).Order()), Is.True, "the order of writes");
        Assert.That((source.Submitters.Count, target.Submitters.Count), Is.EqualTo((1, 1)), "the contexts submit no more");
        Assert.That((witness.DoneBytes, witness.IsHome), Is.EqualTo(((long)Length, true)), "what was told, and where");
        Assert.That(witness.StepCount - (Length / StepBytes), outOfOrder ? Is.InRange(1, 2) : Is.EqualTo(1), "each step was told, and the beginning; out of order, the end may come before the rest");
    });

    [Test]
    public void Where_both_sides_are_bound_nothing_is_gained_elsewhere() => Run(1, async (fixture, a, b) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture, ",any-context=off");
        await using BlockBackend target = await fixture.OpenAsync("driver=b,any-context=off");
        Assert.That(ImageConversion.GainsFromContexts([source], target), Is.False, "what is asked beforehand");
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { MoreContexts = [fixture.ContextOf("one")] });
        Assert.That(b.Bytes.AsSpan().CommonPrefixLength(a.Bytes), Is.EqualTo(Length), "the first difference");
        Assert.That((source.Submitters.Count, target.Submitters.Count), Is.EqualTo((1, 1)), "nobody else submits");
    });

    // cow, all zeros, home -> shared b: nothing is read, so that each slot begins the next before it has waited for anything
    [Test]
    public void Zeros_that_are_written_as_data_are_in_order_and_no_more_are_under_way_than_allowed([Range(1, 4)] int requestCount) => Run(requestCount, async (fixture, _, b) =>
    {
        CowImage.Format(fixture.Memory.Storage("zeros"), new CowImageOptions(Length));
        await using BlockBackend source = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=zeros");
        await using BlockBackend target = await fixture.OpenAsync("driver=b");
        ImageConversionOptions options = new() { SparseBytesMin = 0, MoreContexts = [fixture.ContextOf("one"), fixture.ContextOf("two")], RequestCount = requestCount };
        await ImageConversion.RunAsync([source], target, options);
        long[] offsets = [.. b.Log.Where(call => call.Kind == RequestKind.Write).Select(call => call.Offset)];
        Assert.That(offsets, Has.Length.GreaterThan(4).And.Ordered, "the order of writes");
    });

    // home a, which lives on one -> home b on main
    [Test]
    public void Sides_that_live_on_different_contexts_are_each_done_at_their_own([Values] bool outOfOrder, [Range(0, 11)] int seed) => Run(seed, async (fixture, a, b) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture, ",any-context=off");
        await using BlockBackend target = await fixture.OpenAsync("driver=b,any-context=off");
        await source.MoveAsync(fixture.ContextOf("one"));
        int before = a.Log.Count;
        Witness witness = new(fixture.Context);
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { WritesOutOfOrder = outOfOrder, RequestCount = 3 + (seed % 4) }, witness);
        Assert.That(b.Bytes.AsSpan().CommonPrefixLength(a.Bytes), Is.EqualTo(Length), "the first difference");
        Assert.That(a.Log.Skip(before).Select(call => call.Context).Distinct(), Is.EqualTo(new[] { "one" }), "who has read");
        Assert.That(b.Log.Select(call => call.Context).Distinct(), Is.EqualTo(new[] { "main" }), "who has written");
        Assert.That((source.Submitters.Count, target.Submitters.Count), Is.EqualTo((1, 1)), "nobody else submits");
        Assert.That((witness.DoneBytes, witness.IsHome), Is.EqualTo(((long)Length, true)), "what was told, and where");
        Assert.That(witness.StepCount - (Length / StepBytes), outOfOrder ? Is.InRange(1, 2) : Is.EqualTo(1), "each step was told, and the beginning; out of order, the end may come before the rest");
        await source.MoveAsync(fixture.Context);
    });

    // What has an order, a speed or a story of its own stays on the target's context.
    [TestCaseSource(nameof(Alone))]
    public void Some_conversions_stay_on_one_context(ImageConversionOptions options) => Run(1, async (fixture, a, b) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture);
        await using BlockBackend target = await fixture.OpenAsync("driver=b,zeroes=on");
        await ImageConversion.RunAsync([source], target, options with { MoreContexts = [fixture.ContextOf("one")] });
        Assert.That(b.Bytes.AsSpan().CommonPrefixLength(a.Bytes), Is.EqualTo(Length), "the first difference");
        Assert.That(a.Log.Concat(b.Log).Select(call => call.Context).Distinct(), Is.EqualTo(new[] { "main" }), "who has called the drivers");
    });

    [Test]
    public void A_context_that_submits_already_goes_on_doing_so() => Run(2, async (fixture, _, _) =>
    {
        await using BlockBackend source = await OpenFilledAsync(fixture);
        await using BlockBackend target = await fixture.OpenAsync("driver=b");
        AioContext one = fixture.ContextOf("one");
        await source.AddSubmitterAsync(one);
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { MoreContexts = [one] });
        Assert.That((source.Submitters.Contains(one), target.Submitters.Contains(one)), Is.EqualTo((true, false)), "of the source, of the target");
    });

    private static IEnumerable<ImageConversionOptions> Alone() =>
    [
        new() { IsSalvaging = true },
        new() { RateBytesPerSecond = 1 << 30 },
        new() { OffloadsCopies = true },
        new() { RequestCount = 1 },
    ];

    private static async Task<BlockBackend> OpenFilledAsync(GraphFixture fixture, string options = "")
    {
        BlockBackend source = await fixture.OpenAsync("driver=a" + options);
        byte[] bytes = [.. Enumerable.Range(0, Length).Select(i => (byte)(1 + (((i * 7) + (i / 4096)) % 255)))];
        bytes.AsSpan(3 << 20, 1 << 20).Clear();
        bytes.AsSpan(70_000, 9000).Clear();
        await source.WriteAsync(0, bytes);
        return source;
    }

    private static void Run(int seed, Func<GraphFixture, SharedProtocol, SharedProtocol, Task> body)
    {
        SharedProtocol a = new(new SeededRandom((ulong)seed), "a", Length);
        SharedProtocol b = new(new SeededRandom((ulong)seed + 1), "b", Length);
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, drivers: [a, b]);
        fixture.Run(() => body(fixture, a, b));
    }

    private sealed class Witness(AioContext home) : IProgress<ImageProgress>
    {
        public long DoneBytes { get; private set; }

        public bool IsHome { get; private set; } = true;

        public int StepCount { get; private set; }

        public void Report(ImageProgress value)
        {
            StepCount++;
            DoneBytes = value.DoneBytes;
            IsHome &= home.IsHome;
        }
    }
}
