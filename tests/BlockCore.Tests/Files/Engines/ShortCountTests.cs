using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>Calls of a file that move less than they were asked to, are interrupted or fail, at every place: what is left is asked for, and an error is the transfer's.</summary>
[TestFixture("Threads")]
[TestFixture("Threads,direct")]
public sealed class ShortCountTests(string way) : EngineFixture(way)
{
    private const int Interrupted = 4;
    private const int InputOutput = 5;
    private const int NoSpace = 28;
    private const int PieceCount = 6;

    // Bytes through the page cache, blocks past it.
    private int PieceBytes => IsDirect ? 4096 : 7;

    private int LengthBytes => PieceCount * PieceBytes;

    [Test]
    public void A_read_that_brings_less_goes_on_where_it_ended([Values] bool isSegmented)
    {
        byte[] content = Pattern(4 * LengthBytes, seed: 1);
        using HostFile file = MakeFile(content);
        for (int cut = UnitBytes; cut < LengthBytes; cut += UnitBytes)
        {
            IoVector vector = Vector(isSegmented, 0xEE);
            int callCount = KernelCalls.Run(file, call => call == 0 ? new KernelAnswer(cut) : KernelAnswer.AsAsked, () => file.Read(LengthBytes, vector));
            Assert.That(Bytes(vector), Is.EqualTo(content.AsSpan(LengthBytes, LengthBytes).ToArray()), $"what was read where the first call ended after {cut} bytes");
            Assert.That(callCount, Is.EqualTo(2), "calls");
        }
    }

    [Test]
    public void A_write_that_takes_less_goes_on_where_it_ended([Values] bool isSegmented, [Values] bool isDurable)
    {
        byte[] model = Pattern(4 * LengthBytes, seed: 2);
        using HostFile file = MakeFile(model);
        for (int cut = UnitBytes; cut < LengthBytes; cut += UnitBytes)
        {
            IoVector vector = Vector(isSegmented, (byte)(cut / UnitBytes));
            Bytes(vector).CopyTo(model, LengthBytes);
            int callCount = KernelCalls.Run(file, call => call == 0 ? new KernelAnswer(cut) : KernelAnswer.AsAsked, () => Write(file, vector, isDurable));
            Assert.That(File.ReadAllBytes(file.Path), Is.EqualTo(model), $"the file where the first call ended after {cut} bytes");
            Assert.That(callCount, Is.EqualTo(2), "calls");
        }
    }

    [Test]
    public void Calls_that_are_interrupted_or_move_little_at_random_move_everything([Range(1, 15)] int seed, [Values] bool isSegmented)
    {
        byte[] content = Pattern(LengthBytes, seed);
        using HostFile file = MakeFile(new byte[LengthBytes]);
        Random chance = new(seed);
        IoVector written = Vector(isSegmented, 0);
        written.CopyFrom(content);
        IoVector read = Vector(isSegmented, 0xEE);
        int interruptedCount = 0;
        KernelCalls.Run(file, _ => Answer(), () =>
        {
            Write(file, written, isDurable: seed % 2 == 0);
            file.Flush();
            file.Read(0, read);
        });
        Assert.That(Bytes(read), Is.EqualTo(content), $"seed {seed}: what was written and read");
        Assert.That(File.ReadAllBytes(file.Path), Is.EqualTo(content), $"seed {seed}: the file");
        Assert.That(interruptedCount, Is.Positive, "calls that were interrupted");

        KernelAnswer Answer()
        {
            bool isInterrupted = interruptedCount == 0 || chance.Next(3) == 0;
            interruptedCount += isInterrupted ? 1 : 0;
            return isInterrupted ? new KernelAnswer(Errno: Interrupted) : new KernelAnswer(UnitBytes * (1 + chance.Next(3)));
        }
    }

    [TestCase(InputOutput, BlockErrorKind.InputOutput, "Input/output error")]
    [TestCase(NoSpace, BlockErrorKind.NoSpace, "No space left on device")]
    public void An_error_at_any_call_is_the_transfers_and_the_next_one_works(int errno, BlockErrorKind kind, string words)
    {
        byte[] content = Pattern(LengthBytes, seed: 3);
        using HostFile file = MakeFile(content);
        for (int failing = 0; failing < PieceCount; failing++)
        {
            foreach (bool isWrite in new[] { false, true })
            {
                IoVector vector = Vector(isSegmented: failing % 2 == 0, 9);
                BlockException? error = null;
                KernelCalls.Run(
                    file,
                    call => call == failing ? new KernelAnswer(Errno: errno) : new KernelAnswer(PieceBytes),
                    () => error = Assert.Throws<BlockException>(() => Transfer(file, vector, isWrite)));
                Assert.That((error!.Kind, error.Message), Is.EqualTo((kind, words)), $"call {failing} of a {(isWrite ? "write" : "read")}");
                Assert.That(() => Transfer(file, vector, isWrite), Throws.Nothing, "the next one");
            }
        }

        Assert.That(file.Flush, Throws.Nothing, "no flush has failed");
    }

    [Test]
    public void A_write_that_moves_nothing_is_an_error_and_a_read_has_met_the_end()
    {
        using HostFile file = MakeFile(Pattern(LengthBytes, seed: 4));
        IoVector vector = Vector(isSegmented: false, 9);
        BlockException? error = null;
        KernelCalls.Run(file, call => new KernelAnswer(call == 0 ? PieceBytes : 0), () => error = Assert.Throws<BlockException>(() => file.Write(0, vector)));
        Assert.That((error!.Kind, error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "Input/output error")), "a disk that takes nothing");
        KernelCalls.Run(file, call => new KernelAnswer(call == 0 ? PieceBytes : 0), () => file.Read(0, vector));
        Assert.That(Bytes(vector)[PieceBytes..], Is.All.Zero, "zeros behind the end");
    }

    [Test]
    public void An_interrupted_flush_is_made_again_and_a_failed_one_fails_every_later_one_through_the_page_cache()
    {
        using HostFile file = MakeFile(new byte[LengthBytes]);
        int callCount = KernelCalls.Run(file, call => new KernelAnswer(Errno: call < 3 ? Interrupted : 0), file.Flush);
        Assert.That(callCount, Is.EqualTo(4), "three were interrupted");
        KernelCalls.Run(file, _ => new KernelAnswer(Errno: InputOutput), () => Assert.That(file.Flush, Throws.TypeOf<BlockException>(), "the failure"));
        int laterCount = KernelCalls.Run(file, _ => KernelAnswer.AsAsked, () => Assert.That(file.Flush, IsDirect ? Throws.Nothing : Throws.TypeOf<BlockException>(), "a later one"));
        Assert.That(laterCount, Is.EqualTo(IsDirect ? 1 : 0), "the kernel has forgotten what was lost, and is not asked");
        using HostFile again = Open();
        Assert.That(again.Flush, Throws.Nothing, "the file opened again");
    }

    [Test]
    public void A_durable_write_that_loses_data_counts_as_a_failed_flush_through_the_page_cache()
    {
        using HostFile file = MakeFile(new byte[LengthBytes]);
        IoVector vector = Vector(isSegmented: true, 9);
        KernelCalls.Run(file, call => call == 2 ? new KernelAnswer(Errno: InputOutput) : new KernelAnswer(PieceBytes), () => Assert.That(() => Write(file, vector, isDurable: true), Throws.TypeOf<BlockException>()));
        Assert.That(file.HasFailedFlush, Is.EqualTo(!IsDirect), "it may have been lost in the cache");
    }

    private static void Write(HostFile file, IoVector vector, bool isDurable)
    {
        long offset = file.GetLengthBytes() > vector.Length ? vector.Length : 0;
        if (isDurable)
        {
            file.WriteDurably(offset, vector);
        }
        else
        {
            file.Write(offset, vector);
        }
    }

    private static void Transfer(HostFile file, IoVector vector, bool isWrite)
    {
        if (isWrite)
        {
            file.Write(0, vector);
        }
        else
        {
            file.Read(0, vector);
        }
    }

    private static byte[] Bytes(IoVector vector)
    {
        byte[] bytes = new byte[vector.Length];
        vector.CopyTo(bytes);
        return bytes;
    }

    private IoVector Vector(bool isSegmented, byte value) =>
        isSegmented ? new IoVector(new IoSegments([.. Enumerable.Range(0, PieceCount).Select(_ => Buffer(PieceBytes, value))])) : Buffer(LengthBytes, value);
}
