using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>What every way of carrying out transfers owes its callers.</summary>
[TestFixtureSource(nameof(s_ways))]
public sealed class EngineTests(string way) : EngineFixture(way)
{
    private const int BlockBytes = 4096;
    private static readonly RequestKind[] s_kinds = [RequestKind.Read, RequestKind.Write];

    [Test]
    public void Bytes_go_where_they_belong_whatever_is_under_way_beside_them()
    {
        const int LengthBytes = 4 << 20;
        byte[] model = Pattern(LengthBytes, seed: 1);
        using HostFile file = MakeFile(model);
        Random chance = new(2);
        Context.Run(async () =>
        {
            for (int round = 0; round < 40; round++)
            {
                await RunRoundAsync(file, model, chance);
            }
        });
        Assert.That(File.ReadAllBytes(file.Path).AsSpan().SequenceEqual(model), "the file itself");
    }

    [Test]
    public void Neighbours_of_one_kind_are_moved_by_one_call()
    {
        const int Count = 64;
        byte[] content = Pattern(Count * BlockBytes, seed: 3);
        using HostFile file = MakeFile(content);
        Context.Run(async () =>
        {
            Memory<byte>[] buffers = [.. Enumerable.Range(0, Count).Select(_ => Buffer(BlockBytes))];
            await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Read, i * BlockBytes, buffer)));
            for (int i = 0; i < Count; i++)
            {
                Assert.That(buffers[i].Span.SequenceEqual(content.AsSpan(i * BlockBytes, BlockBytes)), $"block {i} is in its own buffer");
            }

            Assert.That(Context.Transfers.JointCount, Is.EqualTo(1), "all of them make one run");
            await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Write, (Count - 1 - i) * BlockBytes, buffer)));
            Assert.That(Context.Transfers.JointCount, Is.EqualTo(1), "what does not follow the one before stays by itself");
        });
        Assert.That(File.ReadAllBytes(file.Path).AsSpan(0, BlockBytes).SequenceEqual(content.AsSpan(^BlockBytes)), "the last block was written first");
    }

    [TestCase(RequestFlags.Fua)]
    [TestCase(RequestFlags.Serialising)]
    public void Nothing_is_joined_with_a_write_that_stands_alone(RequestFlags flags)
    {
        using HostFile file = MakeFile(new byte[16 * BlockBytes]);
        Context.Run(async () => await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
            BeginAsync(file, RequestKind.Write, i * BlockBytes, Buffer(BlockBytes, (byte)i), i % 2 == 0 ? flags : RequestFlags.None))));
        Assert.That(Context.Transfers.JointCount, Is.Zero, "every second one keeps its neighbours apart");
        byte[] bytes = File.ReadAllBytes(file.Path);
        Assert.That(Enumerable.Range(0, 16).All(i => bytes.AsSpan(i * BlockBytes, BlockBytes).IndexOfAnyExcept((byte)i) < 0), "all of them were written");
    }

    [Test]
    public void No_run_reaches_across_a_flush_or_into_another_file()
    {
        using HostFile file = MakeFile(new byte[4 * BlockBytes]);
        using HostFile other = MakeFile(new byte[4 * BlockBytes], "b.img");
        Context.Run(async () =>
        {
            Task[] transfers =
            [
                BeginAsync(file, RequestKind.Write, 0, Buffer(BlockBytes, 1)),
                BeginAsync(file, RequestKind.Flush, 0, default),
                BeginAsync(file, RequestKind.Write, BlockBytes, Buffer(BlockBytes, 2)),
                BeginAsync(other, RequestKind.Write, 2 * BlockBytes, Buffer(BlockBytes, 3)),
                BeginAsync(file, RequestKind.Read, 2 * BlockBytes, Buffer(BlockBytes)),
            ];
            await Task.WhenAll(transfers);
        });
        Assert.That(Context.Transfers.JointCount, Is.Zero, "runs of more than one");
    }

    [Test]
    public void What_lies_behind_the_end_reads_as_zeros_in_a_run_as_well()
    {
        using HostFile file = MakeFile(Enumerable.Repeat((byte)5, (2 * BlockBytes) + 700).ToArray());
        Context.Run(async () =>
        {
            Memory<byte>[] buffers = [.. Enumerable.Range(0, 5).Select(_ => Buffer(BlockBytes))];
            await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Read, i * BlockBytes, buffer)));
            byte[] all = [.. buffers.SelectMany(buffer => buffer.ToArray())];
            Assert.That(all, Is.EqualTo(Enumerable.Repeat((byte)5, (2 * BlockBytes) + 700).Concat(new byte[(3 * BlockBytes) - 700])), "five blocks");
        });
    }

    [Test]
    public void A_write_makes_the_file_longer()
    {
        using HostFile file = MakeFile([]);
        Context.Run(async () => await Task.WhenAll(Enumerable.Range(0, 8).Select(i => BeginAsync(file, RequestKind.Write, (i + 8) * BlockBytes, Buffer(BlockBytes, 9)))));
        Assert.That(File.ReadAllBytes(file.Path), Is.EqualTo(new byte[8 * BlockBytes].Concat(Enumerable.Repeat((byte)9, 8 * BlockBytes))), "a hole, and eight blocks");
    }

    [Test]
    public void More_may_be_under_way_than_any_queue_of_the_kernel_holds()
    {
        const int Count = 5000;
        byte[] content = Pattern(Count * BlockBytes, seed: 4);
        using HostFile file = MakeFile(content);
        Context.Run(async () =>
        {
            // Every second block, so that none is joined.
            Memory<byte> memory = Buffer(Count / 2 * BlockBytes);
            await Task.WhenAll(Enumerable.Range(0, Count / 2).Select(i => BeginAsync(file, RequestKind.Read, 2L * i * BlockBytes, memory.Slice(i * BlockBytes, BlockBytes))));
            Assert.That(
                Enumerable.Range(0, Count / 2).All(i => memory.Span.Slice(i * BlockBytes, BlockBytes).SequenceEqual(content.AsSpan(2 * i * BlockBytes, BlockBytes))),
                "each block is its own");
        });
    }

    [Test]
    public void Many_strangers_at_once_go_by_the_ring_where_that_is_the_cheapest_way()
    {
        const int Count = 64;
        bool isByRing = Aio == HostFileAio.IoUring || (Aio == HostFileAio.Auto && !IsInMemory);
        using HostFile file = MakeFile(Pattern(2 * Count * BlockBytes, seed: 7));
        Context.Run(async () =>
        {
            // Twice: a ring that was made once is used again.
            for (int round = 0; round < 2; round++)
            {
                Task all = Task.WhenAll(Enumerable.Range(0, Count).Select(i => BeginAsync(file, RequestKind.Read, 2L * i * BlockBytes, Buffer(BlockBytes))));
                await Context.YieldAsync();
                Assert.That(Context.IssuedCount, isByRing || Aio == HostFileAio.Native ? Is.EqualTo(Count) : Is.Zero, $"round {round}: what the kernel has been given");
                await all;
                Assert.That(Context.HasRing, $"round {round}: the kernel has not refused");
            }
        });
    }

    [TestCaseSource(nameof(s_kinds))]
    public void Memory_in_pieces_and_at_odd_addresses_serves_as_well(RequestKind kind)
    {
        byte[] content = Pattern(64 << 10, seed: 5);
        using HostFile file = MakeFile(content);
        byte[] bytes = Pattern(3 * BlockBytes, seed: 6);
        IoVector vector = new(new IoSegments(bytes.AsSpan(0, 1).ToArray(), bytes.AsSpan(1, 4999).ToArray(), bytes.AsSpan(5000).ToArray()));
        Context.Run(async () => await Task.WhenAll(
            BeginAsync(file, kind, BlockBytes, vector),
            BeginAsync(file, kind, 4 * BlockBytes, new byte[(2 * BlockBytes) + 1].AsMemory(1))));
        byte[] now = File.ReadAllBytes(file.Path);
        byte[] moved = new byte[vector.Length];
        vector.CopyTo(moved);
        Assert.That(now.AsSpan(BlockBytes, moved.Length).SequenceEqual(moved), "the pieces and the file agree");
        Assert.That(now.AsSpan(BlockBytes, moved.Length).SequenceEqual(kind == RequestKind.Write ? bytes : content.AsSpan(BlockBytes, moved.Length)), "and are what they should be");
    }

    [Test]
    public void A_refused_transfer_fails_with_the_systems_words_and_hurts_no_other()
    {
        if (IsInMemory)
        {
            Assert.Ignore("tmpfs takes files of any length");
        }

        using HostFile file = MakeFile(new byte[8 * BlockBytes]);
        Context.Run(async () =>
        {
            // No file reaches so far as the second.
            Task[] writes = [.. new[] { 0, long.MaxValue / BlockBytes * BlockBytes - BlockBytes, 4 * BlockBytes }.Select(offset =>
                BeginAsync(file, RequestKind.Write, offset, Buffer(BlockBytes, 7)))];
            BlockException error = await Failure.OfAsync<BlockException>(() => writes[1]);
            Assert.That(error.Kind, Is.AnyOf(BlockErrorKind.TooLarge, BlockErrorKind.InvalidArgument), error.Message);
            await writes[0];
            await writes[2];
        });
        Assert.That(File.ReadAllBytes(file.Path).Count(b => b == 7), Is.EqualTo(2 * BlockBytes), "two blocks were written");
    }

    [Test]
    public void A_steady_load_allocates_nothing()
    {
        const int Depth = 16;
        using HostFile file = MakeFile(new byte[1 << 20]);
        Context.Run(async () =>
        {
            Loader[] loaders = [.. Enumerable.Range(0, Depth).Select(i => new Loader(Context, file, i, Depth))];
            await Task.WhenAll(loaders.Select(loader => loader.RunAsync(2000)));
            long before = GC.GetAllocatedBytesForCurrentThread();
            await Task.WhenAll(loaders.Select(loader => loader.RunAsync(4000)));
            long perTransfer = (GC.GetAllocatedBytesForCurrentThread() - before) / (Depth * 4000);
            Assert.That(perTransfer, Is.Zero, "bytes a transfer on the loop's thread");
        });
    }

    // Requests that do not overlap, all at once; then the model has what the file has.
    private async Task RunRoundAsync(HostFile file, byte[] model, Random chance)
    {
        List<Task> tasks = [];
        List<(int Offset, Memory<byte> Buffer)> reads = [];
        int at = 0;
        while (at < model.Length)
        {
            int length = (1 + chance.Next(40_000 / UnitBytes)) * UnitBytes;
            length = Math.Min(length, model.Length - at);
            int kind = chance.Next(6);
            Memory<byte> buffer = Buffer(length, (byte)chance.Next(256));
            if (kind < 2)
            {
                buffer.Span.CopyTo(model.AsSpan(at));
                tasks.Add(BeginAsync(file, RequestKind.Write, at, buffer, chance.Next(20) == 0 ? RequestFlags.Fua : RequestFlags.None));
            }
            else if (kind < 4)
            {
                reads.Add((at, buffer));
                tasks.Add(BeginAsync(file, RequestKind.Read, at, buffer));
            }

            at += length;
        }

        await Task.WhenAll(tasks);
        foreach ((int offset, Memory<byte> buffer) in reads)
        {
            Assert.That(buffer.Span.SequenceEqual(model.AsSpan(offset, buffer.Length)), $"{buffer.Length} bytes read at {offset}");
        }
    }

    /// <summary>A pooled transfer that is begun again whenever it has completed.</summary>
    private sealed class Loader(AioContext context, HostFile file, int index, int depth) : HostTransfer(context)
    {
        private readonly IoVector _buffer = Buffer(BlockBytes);

        // Reads and writes, neighbours and strangers in turn.
        public async Task RunAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                long offset = ((index * (i % 3 == 0 ? 1 : 7)) + (i * depth)) % 200 * BlockBytes;
                await Begin(file, i % 4 == 3 ? RequestKind.Write : RequestKind.Read, offset, _buffer, RequestFlags.None);
            }
        }

        protected override void Recycle() => Forget();
    }
}
