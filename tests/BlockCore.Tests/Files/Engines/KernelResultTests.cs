using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>Results of calls that move many transfers, from a kernel queue or on the loop, which say that less was moved than asked for, or nothing: each transfer has its own end.</summary>
[TestFixture("Native,direct")]
[TestFixture("Auto,blocking")]
[TestFixture("Auto,memory")]
public sealed class KernelResultTests(string way) : EngineFixture(way)
{
    private const int BlockBytes = 4096;
    private const int BlockCount = 64;
    private static readonly int[] s_errnos = [4, 5, 11, 28];

    [Test]
    public void Results_of_any_size_at_any_place_lose_no_byte([Range(1, 12)] int seed)
    {
        byte[] model = Pattern(BlockCount * BlockBytes, seed);
        using HostFile file = MakeFile(model);
        Random chance = new(seed);
        Random answers = new(seed);
        int shortCount = 0;
        KernelCalls.Run(file, _ => Answer(), () => Context.Run(async () =>
        {
            for (int round = 0; round < 6; round++)
            {
                await RunRoundAsync(file, model, chance);
            }
        }));
        Assert.That(shortCount, Is.Positive, "results that were short");
        Assert.That(File.ReadAllBytes(file.Path).AsSpan().SequenceEqual(model), $"seed {seed}: the file itself");

        // One thread answers. A part of what was asked for, or an interruption, which is no failure either.
        KernelAnswer Answer()
        {
            bool isShort = answers.Next(3) == 0;
            shortCount += isShort ? 1 : 0;
            return !isShort ? KernelAnswer.AsAsked : answers.Next(4) == 0 ? new KernelAnswer(Errno: s_errnos[0]) : new KernelAnswer((1 + answers.Next(3)) * UnitBytes);
        }
    }

    [Test]
    public void Errors_at_any_place_are_those_of_the_transfers_that_have_them([Range(1, 12)] int seed)
    {
        byte[] model = Pattern(BlockCount * BlockBytes, seed);
        using HostFile file = MakeFile(model);
        Random answers = new(seed);
        int failedCount = 0;
        KernelCalls.Run(file, _ => Answer(), () => Context.Run(async () => await Task.WhenAll(Enumerable.Range(0, BlockCount).Select(async block =>
        {
            Memory<byte> buffer = Buffer(BlockBytes);
            try
            {
                await BeginAsync(file, RequestKind.Read, block * BlockBytes, buffer);
                Assert.That(buffer.Span.SequenceEqual(model.AsSpan(block * BlockBytes, BlockBytes)), $"seed {seed}: block {block}");
            }
            catch (BlockException error)
            {
                failedCount++;
                Assert.That(error.Kind, Is.AnyOf(BlockErrorKind.InputOutput, BlockErrorKind.Locked, BlockErrorKind.NoSpace), $"seed {seed}: block {block}");
            }
        }))));
        Assert.That(failedCount, Is.LessThan(BlockCount), "not all have failed");
        Context.Run(async () => await BeginAsync(file, RequestKind.Read, 0, Buffer(BlockBytes)));

        KernelAnswer Answer() => answers.Next(4) == 0 ? new KernelAnswer(Errno: s_errnos[answers.Next(s_errnos.Length)]) : KernelAnswer.AsAsked;
    }

    [Test]
    public void A_file_that_ends_anywhere_in_a_run_is_read_to_its_last_byte()
    {
        const int RunCount = 3;
        for (int length = 1; length < RunCount * BlockBytes; length += 257)
        {
            byte[] content = Pattern(length, seed: length);
            using HostFile file = MakeFile(content, $"{length}.img");
            Context.Run(async () =>
            {
                Memory<byte>[] buffers = [.. Enumerable.Range(0, RunCount).Select(_ => Buffer(BlockBytes))];
                await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Read, i * BlockBytes, buffer)));
                byte[] read = [.. buffers.SelectMany(buffer => buffer.ToArray())];
                Assert.That(read.AsSpan(0, length).SequenceEqual(content) && read.AsSpan(length).IndexOfAnyExcept((byte)0) < 0, $"a file of {length} bytes, and zeros behind it");
            });
        }
    }

    // Each block once, all at once, neighbours often of one kind.
    private async Task RunRoundAsync(HostFile file, byte[] model, Random chance)
    {
        List<Task> tasks = [];
        List<(int Offset, Memory<byte> Buffer)> reads = [];
        bool isWrite = false;
        for (int block = 0; block < BlockCount; block++)
        {
            isWrite ^= chance.Next(4) == 0;
            Memory<byte> buffer = Buffer(BlockBytes, (byte)chance.Next(256));
            if (isWrite)
            {
                buffer.Span.CopyTo(model.AsSpan(block * BlockBytes));
            }
            else
            {
                reads.Add((block * BlockBytes, buffer));
            }

            tasks.Add(BeginAsync(file, isWrite ? RequestKind.Write : RequestKind.Read, block * BlockBytes, buffer));
        }

        await Task.WhenAll(tasks);
        foreach ((int offset, Memory<byte> buffer) in reads)
        {
            Assert.That(buffer.Span.SequenceEqual(model.AsSpan(offset, buffer.Length)), $"the block at {offset}");
        }
    }
}
