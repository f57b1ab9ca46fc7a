using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Scheduling;
using Microsoft.Win32.SafeHandles;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>A loop that has transfers under way is a loop all the same: calls from elsewhere, timers, descriptors; and a closed file is closed.</summary>
[TestFixtureSource(nameof(s_ways))]
public sealed class EngineLoopTests(string way) : EngineFixture(way)
{
    private const int BlockBytes = 4096;

    [Test]
    [CancelAfter(60_000)]
    public void Calls_from_another_thread_and_timers_come_through_a_load(CancellationToken cancel)
    {
        const int CallCount = 2000;
        using HostFile file = MakeFile(new byte[1 << 20]);
        int called = 0;
        bool isOver = false;
        Thread caller = new(() =>
        {
            for (int i = 0; i < CallCount; i++)
            {
                Context.Post(_ => called++, null);
            }
        });
        Context.Run(async () =>
        {
            Task[] load = [.. Enumerable.Range(0, 8).Select(i => LoadAsync(file, i, () => isOver))];
            caller.Start();
            int timerCount = 0;
            while (called < CallCount || timerCount < 20)
            {
                cancel.ThrowIfCancellationRequested();
                await Context.DelayAsync(100_000, cancel);
                timerCount++;
            }

            isOver = true;
            await Task.WhenAll(load);
        });
        caller.Join();
        Assert.That(called, Is.EqualTo(CallCount), "calls that arrived");
    }

    [Test]
    [CancelAfter(60_000)]
    public void A_sleeping_loop_wakes_for_a_call_while_its_transfers_are_under_way(CancellationToken cancel)
    {
        using HostFile file = MakeFile(new byte[1 << 20]);
        for (int round = 0; round < 200; round++)
        {
            Context.Run(async () =>
            {
                cancel.ThrowIfCancellationRequested();
                Task transfer = BeginAsync(file, RequestKind.Read, round % 256 * BlockBytes, Buffer(BlockBytes));
                TaskCompletionSource arrived = new();
                Thread caller = new(() => Context.Post(_ => arrived.SetResult(), null));
                caller.Start();
                await Task.WhenAll(transfer, arrived.Task);
                caller.Join();
            });
        }

        Assert.That(file.GetLengthBytes(), Is.EqualTo(1 << 20), "and nothing was written");
    }

    [Test]
    [CancelAfter(60_000)]
    public void An_outer_loop_that_waits_for_the_poll_descriptor_hears_of_ends(CancellationToken cancel)
    {
        // outer loop -- watches --> poll descriptor of the inner one, which it pumps
        using HostFile file = MakeFile(new byte[1 << 20]);
        using PolledAioContext outer = new("outer", platform: HostPlatform.Linux);
        bool isOver = false;
        int endCount = 0;
        Task load = Task.CompletedTask;
        Context.Post(_ => load = LoadAsync(), null);
        outer.Run(async () =>
        {
            CallbackHandler pump = new(Context.PollDescriptor, DescriptorEvents.Readable, Pump);
            outer.Watch(pump);
            Pump();
            while (!isOver)
            {
                cancel.ThrowIfCancellationRequested();
                await outer.DelayAsync(1_000_000, cancel);
            }

            outer.Unwatch(pump);
            await load;
        });
        Assert.That(endCount, Is.EqualTo(200), "transfers that have ended");

        void Pump()
        {
            while (Context.Poll(mayBlock: false))
            {
            }
        }

        async Task LoadAsync()
        {
            for (int i = 0; i < 50; i++)
            {
                await Task.WhenAll(Enumerable.Range(0, 4).Select(async block =>
                {
                    await BeginAsync(file, RequestKind.Read, ((i * 5) + block) % 256 * BlockBytes, Buffer(BlockBytes));
                    endCount++;
                }));
            }

            isOver = true;
        }
    }

    [Test]
    public void Another_open_finds_no_lock_and_nothing_open_when_the_file_is_closed()
    {
        HostFile file = MakeFile(new byte[1 << 20]);
        Assert.That(file.TryLockShared(100), "the lock");
        using IoThread other = new("other", HostPlatform.Linux);

        // Two loops have used it, and neither runs when it is closed.
        foreach (AioContext context in new AioContext[] { Context, other.Context })
        {
            Task load = Task.CompletedTask;
            if (context == Context)
            {
                Context.Run(() => LoadOnceAsync(context, file));
            }
            else
            {
                OtherThread.Run(() => context.RunAsync(() => LoadOnceAsync(context, file)).Wait());
            }
        }

        file.Dispose();
        using HostFile next = Open();
        Assert.That(next.IsLockedByOthers(100), Is.False, "the lock went with the file");
        using SafeFileHandle alone = File.OpenHandle(PathOf("a.img"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.That(RandomAccess.GetLength(alone), Is.EqualTo(1 << 20), "the file is there as it was");
    }

    [Test]
    public void A_file_that_changes_underneath_is_read_as_it_is_by_then()
    {
        using HostFile file = MakeFile(Enumerable.Repeat((byte)1, 16 * BlockBytes).ToArray());
        Context.Run(async () =>
        {
            using (FileStream change = new(PathOf("a.img"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                change.SetLength(4 * BlockBytes);
                Assert.That(await ReadAllAsync(file), Is.EqualTo(Ones(4).Concat(new byte[12 * BlockBytes])), "it shrank: zeros behind its end");
                change.SetLength(16 * BlockBytes);
                Assert.That(await ReadAllAsync(file), Is.EqualTo(Ones(4).Concat(new byte[12 * BlockBytes])), "it grew: a hole");
            }

            File.Delete(PathOf("a.img"));
            await BeginAsync(file, RequestKind.Write, 15 * BlockBytes, Buffer(BlockBytes, 1));
            await BeginAsync(file, RequestKind.Flush, 0, default);
            Assert.That(await ReadAllAsync(file), Is.EqualTo(Ones(4).Concat(new byte[11 * BlockBytes]).Concat(Ones(1))), "its name is gone, the file is not");
        });
        Assert.That(File.Exists(PathOf("a.img")), Is.False, "nothing has made it anew");
    }

    [Test]
    public void A_flush_alone_needs_no_worker_where_the_loop_may_wait_for_it()
    {
        if (!MayWaitOnLoop)
        {
            Assert.Ignore("a worker waits for it there");
        }

        using HostFile file = MakeFile(new byte[BlockBytes]);
        bool isOver = false;
        Context.Run(async () =>
        {
            Task flush = BeginAsync(file, RequestKind.Flush, 0, default);

            // The first call comes behind the flush, the second behind what its end has woken.
            TaskCompletionSource next = new();
            Context.Post(_ => Context.Post(_ => next.SetResult(), null), null);
            await next.Task;
            isOver = flush.IsCompletedSuccessfully;
            await flush;
        });
        Assert.That((isOver, Context.WakeCount), Is.EqualTo((true, 0L)), "it is over in the turn that it began in, and nobody has woken the loop");
    }

    private static IEnumerable<byte> Ones(int blockCount) => Enumerable.Repeat((byte)1, blockCount * BlockBytes);

    private async Task<byte[]> ReadAllAsync(HostFile file)
    {
        Memory<byte>[] buffers = [.. Enumerable.Range(0, 16).Select(_ => Buffer(BlockBytes))];
        await Task.WhenAll(buffers.Select((buffer, i) => BeginAsync(file, RequestKind.Read, i * BlockBytes, buffer)));
        return [.. buffers.SelectMany(buffer => buffer.ToArray())];
    }

    private async Task LoadAsync(HostFile file, int index, Func<bool> isOver)
    {
        Memory<byte> buffer = Buffer(BlockBytes);
        for (int i = 0; !isOver(); i++)
        {
            await BeginAsync(file, i % 2 == 0 ? RequestKind.Read : RequestKind.Write, (((i * 8) + index) * BlockBytes) % (1 << 20), buffer);
        }
    }

    private static Task LoadOnceAsync(AioContext context, HostFile file) =>
        Task.WhenAll(Enumerable.Range(0, 16).Select(i => new OneTransfer(context).RunAsync(file, i * 2L * BlockBytes)));

    private sealed class OneTransfer(AioContext context) : HostTransfer(context)
    {
        public async Task RunAsync(HostFile file, long offset) => await Begin(file, RequestKind.Read, offset, Buffer(BlockBytes), RequestFlags.None);

        protected override void Recycle() => Forget();
    }
}
