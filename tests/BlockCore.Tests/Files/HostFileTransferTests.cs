using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

[TestFixture("linux")]
[TestFixture("portable")]
public sealed class HostFileTransferTests(string engine) : HostFileFixture(engine)
{
    [Test]
    public void What_is_written_at_an_odd_offset_is_read_back([Values(0, 1, 511, 4095, 70_001)] int offset, [Values(1, 513, 66_000)] int lengthBytes)
    {
        byte[] model = Pattern(200_000, seed: 1);
        using HostFile file = Open(MakeFile("f", model));
        byte[] written = Pattern(lengthBytes, seed: 2);
        written.CopyTo(model, offset);

        file.Write(offset, written);

        Assert.That(ReadBytes(file, 0, model.Length), Is.EqualTo(model), "the bytes around the write must stay");
        Assert.That(ReadBytes(file, offset, lengthBytes), Is.EqualTo(written), "read at the same offset");
    }

    [Test]
    public void Segments_are_filled_in_order()
    {
        byte[] model = Pattern(10_000, seed: 3);
        using HostFile file = Open(MakeFile("f", model));
        IoVector vector = Pieces(new byte[9000], 1, 0, 511, 4097, 3);

        file.Read(777, vector);

        Assert.That(ToArray(vector), Is.EqualTo(model.AsSpan(777, 9000).ToArray()));
    }

    [Test]
    public void More_segments_than_one_call_takes_are_written_and_read([Values(1023, 1024, 1025, 5000)] int count)
    {
        byte[] model = Pattern((count * 3) + 50, seed: 4);
        int[] lengths = Enumerable.Repeat(3, count).ToArray();
        using HostFile file = Open(MakeFile("f"));

        file.Write(5, Pieces(model, lengths));
        IoVector read = Pieces(new byte[model.Length], lengths);
        file.Read(5, read);

        Assert.That(ToArray(read), Is.EqualTo(model));
        Assert.That(File.ReadAllBytes(file.Path).AsSpan(5).SequenceEqual(model), "the file itself must hold it");
    }

    [Test]
    public void A_slice_that_begins_inside_a_segment_is_transferred()
    {
        byte[] model = Pattern(100, seed: 5);
        using HostFile file = Open(MakeFile("f", new byte[100]));

        file.Write(10, Pieces(model, 30, 30).Slice(20, 50));

        Assert.That(ReadBytes(file, 10, 50), Is.EqualTo(model.AsSpan(20, 50).ToArray()));
    }

    [Test]
    public void Bytes_behind_the_end_read_as_zeros([Values] bool isSegmented)
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3), isWritable: false);
        byte[] stale = Enumerable.Repeat((byte)0xEE, 600).ToArray();
        IoVector vector = isSegmented ? Pieces(stale, 2, 7, 300) : stale;

        file.Read(1, vector);

        Assert.That(ToArray(vector), Is.EqualTo(new byte[] { 2, 3 }.Concat(new byte[598])));
    }

    [Test]
    public void A_read_wholly_behind_the_end_is_zeros()
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3), isWritable: false);

        Assert.That(ReadBytes(file, 1L << 40, 10), Is.EqualTo(new byte[10]));
    }

    [Test]
    public void Empty_transfers_do_nothing()
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3));

        file.Read(7, Array.Empty<byte>());
        file.Write(7, Array.Empty<byte>());

        Assert.That(file.GetLengthBytes(), Is.EqualTo(3));
    }

    [Test]
    public void A_write_behind_the_end_grows_the_file()
    {
        using HostFile file = Open(MakeFile("f", 1));

        file.Write(10_000, new byte[] { 9 });

        Assert.That(file.GetLengthBytes(), Is.EqualTo(10_001));
        Assert.That(ReadBytes(file, 0, 10_001), Is.EqualTo(new byte[] { 1 }.Concat(new byte[9999]).Append((byte)9)));
    }

    [Test]
    public void The_length_follows_truncation_both_ways()
    {
        using HostFile file = Open(MakeFile("f", Pattern(1000, seed: 6)));

        file.SetLengthBytes(10);
        Assert.That(file.GetLengthBytes(), Is.EqualTo(10), "cut");
        file.SetLengthBytes(1000);
        Assert.That(file.GetLengthBytes(), Is.EqualTo(1000), "extended");
        Assert.That(ReadBytes(file, 10, 990), Is.EqualTo(new byte[990]), "what was cut must not come back");
    }

    [Test]
    public void A_length_no_file_can_have_is_refused_and_changes_nothing()
    {
        using HostFile file = Open(MakeFile("f", 1, 2, 3));

        BlockException error = Assert.Throws<BlockException>(() => file.SetLengthBytes(long.MaxValue - 1))!;

        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.TooLarge, "File too large")));
        Assert.That(file.GetLengthBytes(), Is.EqualTo(3));
    }

    [Test]
    public void A_flush_of_a_healthy_file_succeeds([Values] bool isWritable)
    {
        using HostFile file = Open(MakeFile("f", 1), isWritable);

        Assert.That(file.Flush, Throws.Nothing);
    }

    [Test]
    public void Offsets_beyond_four_gigabytes_are_kept()
    {
        using HostFile file = Open(MakeFile("f"));
        const long Far = (5L << 30) + 17;

        file.Write(Far, new byte[] { 1, 2, 3 });

        Assert.That(ReadBytes(file, Far - 1, 5), Is.EqualTo(new byte[] { 0, 1, 2, 3, 0 }));
        Assert.That(file.GetLengthBytes(), Is.EqualTo(Far + 3));
    }

    [Test]
    public void Misuse_is_a_bug_not_an_error_of_the_world()
    {
        using HostFile file = Open(MakeFile("f", 1), isWritable: false);

        Assert.That(() => file.Write(0, new byte[1]), Throws.TypeOf<InvariantViolationException>(), "writing what is open for reading");
        Assert.That(() => file.SetLengthBytes(0), Throws.TypeOf<InvariantViolationException>(), "cutting what is open for reading");
        Assert.That(() => file.Read(-1, new byte[1]), Throws.TypeOf<InvariantViolationException>(), "a negative offset");
        Assert.That(() => file.Read(long.MaxValue, new byte[1]), Throws.TypeOf<InvariantViolationException>(), "an end that is no number");
    }

    [Test]
    public void A_transfer_allocates_nothing([Values] bool isSegmented)
    {
        using HostFile file = Open(MakeFile("f", new byte[8192]));
        IoVector vector = isSegmented ? Pieces(new byte[4096], Enumerable.Repeat(100, 40).ToArray()) : new byte[4096];
        Transfer(file, vector, 100);

        // A full collection, for which any test may be the cause, empties the pool that pins come from; it fills again once.
        long allocated = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Transfer(file, vector, 1000);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.That(allocated, Is.Zero);
    }

    private static void Transfer(HostFile file, IoVector vector, int count)
    {
        for (int i = 0; i < count; i++)
        {
            file.Write(i, vector);
            file.Read(i + 4096, vector); // its tail lies behind the end
        }
    }
}
