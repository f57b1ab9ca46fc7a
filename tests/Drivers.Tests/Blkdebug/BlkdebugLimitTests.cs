using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Limits that replace the child's: which go together, as observed of qemu-io 7.2, and what requests become.</summary>
[TestFixture]
public sealed class BlkdebugLimitTests : BlkdebugFixture
{
    /// <summary>Limits that contradict each other, and which is named.</summary>
    public static readonly object[] Refused =
    [
        new object[] { "align=3", "align 3" },
        new object[] { "align=2G", "align 2147483648" },
        new object[] { "align=8G", "align 8589934592" },
        new object[] { "max-transfer=4G", "max-transfer 4294967296" },
        new object[] { "max-transfer=2147483647", "max-transfer 2147483647" },
        new object[] { "max-write-zero=2147483647", "max-write-zero 2147483647" },
        new object[] { "opt-discard=2147483647", "opt-discard 2147483647" },
        new object[] { "max-discard=2147483647", "max-discard 2147483647" },
        new object[] { "align=4k,max-transfer=2k", "max-transfer 2048" },
        new object[] { "align=4k,max-transfer=6k", "max-transfer 6144" },
        new object[] { "align=4k,opt-write-zero=2k", "opt-write-zero 2048" },
        new object[] { "align=4k,max-write-zero=2k", "max-write-zero 2048" },
        new object[] { "align=4k,opt-write-zero=4k,max-write-zero=6k", "max-write-zero 6144" },
        new object[] { "opt-write-zero=4k,max-write-zero=6k", "max-write-zero 6144" },
        new object[] { "opt-write-zero=4k,max-write-zero=2k", "max-write-zero 2048" },
        new object[] { "opt-discard=4k,max-discard=6k", "max-discard 6144" },
        new object[] { "align=4k,max-discard=2k", "max-discard 2048" },
        new object[] { "align=4k,opt-discard=2k", "opt-discard 2048" },
    ];

    /// <summary>Limits that go together.</summary>
    public static readonly string[] Accepted =
    [
        "align=0",
        "align=1",
        "align=256",
        "align=4k",
        "max-transfer=100",
        "max-transfer=2147483646",
        "opt-write-zero=3",
        "max-write-zero=1000",
        "opt-discard=700",
        "max-discard=2147483646",
        "align=4k,max-transfer=8k,opt-write-zero=8k,max-write-zero=16k,opt-discard=8k,max-discard=16k",
    ];

    [TestCaseSource(nameof(Refused))]
    [TestCase("image.align=4096,max-transfer=2k", "max-transfer 2048", Description = "the child's alignment counts")]
    public void Limits_that_contradict_each_other_are_refused(string options, string what) => Fixture.Run(async () =>
    {
        BlockException refusal = await Failure.OfAsync(() => OpenAsync(options));
        Assert.That(refusal.Message, Is.EqualTo($"Cannot meet constraints with {what}"), "the text");
        Assert.That(Graph.Nodes, Is.Empty, "no node is left");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the storage is closed");
    });

    [TestCaseSource(nameof(Accepted))]
    public void Limits_that_go_together_carry_every_request(string options) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(options);
        byte[] written = [.. Enumerable.Range(0, 20_000).Select(i => (byte)(i % 251))];
        await backend.WriteAsync(123, written);
        await backend.WriteZeroesAsync(1000, 9000);
        await backend.DiscardAsync(4096, 1);
        written.AsSpan(1000 - 123, 9000).Clear();
        byte[] read = new byte[written.Length];
        await backend.ReadAsync(123, read);
        Assert.That(read.AsSpan().SequenceEqual(written), Is.True, "what was written");
    });

    [Test]
    public void An_alignment_that_the_length_is_no_multiple_of_has_no_plain_writers() => Fixture.Run(async () =>
    {
        BlockException refusal = await Failure.OfAsync(() => OpenAsync("align=1G"));
        Assert.That(refusal.Message, Is.EqualTo("Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment"), "the text");
    });

    [Test]
    public void Requests_are_padded_and_cut_before_they_come() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("align=512,max-transfer=1024");
        await backend.WriteAsync(100, new byte[2000]);
        await backend.ReadAsync(100, new byte[100]);
        Assert.That(Log(), Is.EqualTo("Read 0+512, Read 2048+512, Write 0+1024, Write 1024+1024, Write 2048+512, Read 0+512"), "the child sees whole blocks");
    });

    [Test]
    public void Ranges_go_in_preferred_multiples_and_what_is_shorter_by_itself() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("align=512,opt-write-zero=4096,max-write-zero=8192,opt-discard=4096,max-discard=8192");
        await backend.WriteZeroesAsync(512, 20480);
        Assert.That(Log(), Is.EqualTo("Write 512+3584, WriteZeroes 4096+8192, WriteZeroes 12288+8192, Write 20480+512"), "the head and the tail as buffers");
        Fixture.Memory.Storage("disk").Log.Clear();
        await backend.DiscardAsync(512, 20480);
        Assert.That(Log(), Is.EqualTo("Discard 512+3584, Discard 4096+8192, Discard 12288+8192, Discard 20480+512"), "the head and the tail by themselves");
    });

    private string Log() => string.Join(", ", Fixture.Memory.Storage("disk").Log.Select(r => $"{r.Kind} {r.Offset}+{r.LengthBytes}"));
}
