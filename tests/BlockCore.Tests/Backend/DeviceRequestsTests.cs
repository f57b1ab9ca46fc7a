using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A device whose failed requests are reported, ignored, or kept until the machine goes on.</summary>
[TestFixture]
public sealed class DeviceRequestsTests : BackendTests
{
    private static readonly BackendOptions s_stopping = new() { Name = "drive", ReadErrorPolicy = BlockErrorPolicy.Stop, WriteErrorPolicy = BlockErrorPolicy.Stop };
    private readonly List<BlockEvent> _events = [];

    [SetUp]
    public void Listen()
    {
        _events.Clear();
        Fixture.Graph.Events.Subscribe<BlockIoError>(_events.Add);
        Fixture.Graph.Events.Subscribe<MachineStopRequested>(_events.Add);
    }

    [Test]
    public void What_does_not_fail_is_as_without_it() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(s_stopping);
        DeviceRequests device = new(backend);
        await device.WriteAsync(10, new byte[] { 1, 2, 3 });
        await device.WriteZeroesAsync(11, 1);
        await device.DiscardAsync(12, 1);
        await device.FlushAsync();
        byte[] read = new byte[3];
        await device.ReadAsync(10, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 0, 0 }), "the bytes");
        Assert.That(Enum.GetValues<RequestKind>().Select(kind => backend.GetCounters(kind).OperationCount), Has.All.EqualTo(1), "one of each");
        Assert.That((device.PendingCount, device.IsStopped, _events.Count), Is.EqualTo((0, false, 0)), "nothing happened");
        await backend.DisposeAsync();
    });

    [Test]
    public void A_failure_is_reported_ignored_or_kept(
        [Values] BlockErrorPolicy policy,
        [Values(RequestKind.Read, RequestKind.Write, RequestKind.WriteZeroes, RequestKind.Flush)] RequestKind kind,
        [Values(BlockErrorKind.InputOutput, BlockErrorKind.NoSpace)] BlockErrorKind error) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,zeroes=on,node-name=n", new BackendOptions { ReadErrorPolicy = policy, WriteErrorPolicy = policy });
        DeviceRequests device = new(backend);
        if (kind == RequestKind.Flush)
        {
            // There is something to flush.
            await backend.WriteZeroesAsync(0, 1);
        }

        Disk.FailWith(kind, error);
        Task request = Issue(device, kind).AsTask();
        await SettleAsync();
        BlockErrorAction action = backend.GetErrorAction(kind == RequestKind.Read, new BlockException(error, ""));
        Assert.That(_events.OfType<BlockIoError>(), Is.EqualTo(new[] { new BlockIoError("", "n", kind == RequestKind.Read, action, null, error.ToErrnoText()) }), "told once");
        Assert.That(_events.OfType<MachineStopRequested>().Count(), Is.EqualTo(action == BlockErrorAction.Stop ? 1 : 0), "a stop is asked for");
        Assert.That(request.Status, Is.EqualTo(action switch
        {
            BlockErrorAction.Report => TaskStatus.Faulted,
            BlockErrorAction.Ignore => TaskStatus.RanToCompletion,
            _ => TaskStatus.WaitingForActivation,
        }), "the request");
        Assert.That((device.PendingCount, device.IsStopped, backend.InFlightCount), Is.EqualTo(action == BlockErrorAction.Stop ? (1, true, 0) : (0, false, 0)), "kept, and not in flight");
        Disk.FailWith(kind, null);
        await device.ResumeAsync();
        if (action == BlockErrorAction.Report)
        {
            Assert.That((await Failure.OfAsync(() => request)).Kind, Is.EqualTo(error), "as it failed");
        }
        else
        {
            await request;
        }

        Assert.That((device.PendingCount, device.IsStopped), Is.EqualTo((0, false)), "nothing is kept");
        Assert.That(backend.GetCounters(kind).OperationCount, Is.EqualTo(action == BlockErrorAction.Stop ? 2 : 1), "made again where it was kept");
    });

    [Test]
    public void A_stop_is_told_once_and_resuming_makes_everything_again() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        backend.IsIoStatusEnabled = true;
        DeviceRequests device = new(backend);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Task[] writes = [.. Enumerable.Range(0, 5).Select(i => device.WriteAsync(i, new byte[] { (byte)(i + 1) }).AsTask())];
        await SettleAsync();
        Assert.That((device.PendingCount, _events.Count, backend.IoStatus), Is.EqualTo((5, 2, BlockIoStatus.NoSpace)), "five failures, one stop");
        await device.ResumeAsync();
        await SettleAsync();
        Assert.That((device.PendingCount, _events.Count, backend.IoStatus), Is.EqualTo((5, 4, BlockIoStatus.NoSpace)), "in vain: another stop");
        Disk.FailWith(RequestKind.Write, null);
        await device.ResumeAsync();
        await Task.WhenAll(writes);
        Assert.That((device.PendingCount, _events.Count, backend.IoStatus), Is.EqualTo((0, 4, BlockIoStatus.Ok)), "it goes on");
        Assert.That(Disk.Bytes.AsSpan(0, 5).ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5 }), "everything is written");
    });

    [Test]
    public void What_fails_while_stopped_is_kept_without_a_word_and_what_does_not_goes_on() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        DeviceRequests device = new(backend);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.InputOutput);
        Task write = device.WriteAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        await device.ReadAsync(0, new byte[1]);
        backend.WriteErrorPolicy = BlockErrorPolicy.Report;
        await Failure.OfRequestAsync(() => device.WriteAsync(1, new byte[1]));
        Assert.That(_events.OfType<BlockIoError>().Select(e => e.Action), Is.EqualTo(new[] { BlockErrorAction.Stop, BlockErrorAction.Report }), "policies hold from one failure to the next");
        Disk.FailWith(RequestKind.Write, null);
        await device.ResumeAsync();
        await write;
    });

    [Test]
    public void A_drain_does_not_wait_for_what_is_kept_and_holds_back_what_is_resumed() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        DeviceRequests device = new(backend);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.InputOutput);
        Task write = device.WriteAsync(0, new byte[] { 9 }).AsTask();
        await SettleAsync();
        Disk.FailWith(RequestKind.Write, null);
        await using (DrainScope drain = await backend.DrainAsync())
        {
            await device.ResumeAsync();
            await SettleAsync();
            Assert.That((write.IsCompleted, device.PendingCount, Disk.Bytes[0]), Is.EqualTo((false, 0, 0)), "no longer kept, but held back");
        }

        await write;
        Assert.That(Disk.Bytes[0], Is.EqualTo(9), "written");
    });

    [Test]
    public void What_is_kept_goes_to_the_medium_that_is_there_when_it_is_resumed() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        BlockNode next = await Fixture.AddAsync("driver=memory,filename=other,node-name=next");
        DeviceRequests device = new(backend);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Task write = device.WriteAsync(0, new byte[] { 9 }).AsTask();
        await SettleAsync();
        await backend.RemoveAsync();
        await device.ResumeAsync();
        await SettleAsync();
        Assert.That(_events.OfType<BlockIoError>().Last(), Is.EqualTo(new BlockIoError("drive", null, false, BlockErrorAction.Stop, null, "No medium found")), "kept again");
        await backend.InsertAsync(next);
        await backend.MoveAsync(CreateContext("other"));
        await device.ResumeAsync();
        await write;
        Assert.That(Fixture.Memory.Storage("other").Bytes[0], Is.EqualTo(9), "the other medium, at another home");
    });

    [TestCase(true)]
    [TestCase(false)]
    public void Closing_the_backend_or_taking_the_device_away_fails_what_is_kept(bool isClosed) => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(s_stopping);
        backend.AttachDevice(new RecordingDevice());
        DeviceRequests device = new(backend);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Task write = device.WriteAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        if (isClosed)
        {
            await backend.DisposeAsync();
        }
        else
        {
            backend.DetachDevice();
        }

        Assert.That((await Failure.OfAsync(() => write)).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "with its own error");
        Assert.That((device.PendingCount, device.IsStopped, Disk.Log.Count(r => r.Kind == RequestKind.Write)), Is.EqualTo((0, false, 1)), "never made again");
        if (isClosed)
        {
            Assert.That((await Failure.OfRequestAsync(() => device.WriteAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "nothing is kept any more");
        }

        await backend.DisposeAsync();
    });

    [Test]
    public void A_request_that_fails_while_its_backend_closes_is_reported() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync(s_stopping);
        DeviceRequests device = new(backend);
        Task read = device.ReadAsync(0, new byte[1]).AsTask();
        Task closing = backend.DisposeAsync().AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().FailNow(new BlockException(BlockErrorKind.InputOutput, "broken"));
        Assert.That((await Failure.OfAsync(() => read)).Message, Is.EqualTo("broken"), "there is nobody to resume it");
        await closing;
        Assert.That(_events.Cast<BlockIoError>().Select(e => e.Action), Is.EqualTo(new[] { BlockErrorAction.Report }), "and that is told");
    });

    [Test]
    public void What_is_kept_can_be_cancelled() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        DeviceRequests device = new(backend);
        using CancellationTokenSource source = new();
        Disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Task first = device.WriteAsync(0, new byte[1], cancel: source.Token).AsTask();
        Task second = device.WriteAsync(1, new byte[1]).AsTask();
        await SettleAsync();
        source.Cancel();
        await Failure.OfAsync<OperationCanceledException>(() => first);
        Assert.That((device.PendingCount, device.IsStopped), Is.EqualTo((1, true)), "the other is still kept");
        Disk.FailWith(RequestKind.Write, null);
        await device.ResumeAsync();
        await second;
    });

    [Test]
    public void Whoever_hears_of_the_stop_may_resume_at_once() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping);
        DeviceRequests device = new(backend);
        using IDisposable listening = Fixture.Graph.Events.Subscribe<MachineStopRequested>(_ =>
        {
            Disk.FailWith(RequestKind.Write, null);
            device.ResumeAsync();
        });
        Disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        await device.WriteAsync(0, new byte[1]);
        Assert.That(device.IsStopped, Is.False, "it goes on");
    });

    [Test]
    public void What_is_wrong_with_the_request_itself_is_reported_whatever_the_policy() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(s_stopping with { ReadOnly = true });
        DeviceRequests device = new(backend);
        Assert.That((await Failure.OfRequestAsync(() => device.ReadAsync(1 << 20, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "beyond the end");
        Assert.That((await Failure.OfRequestAsync(() => device.ReadAsync(-1, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "before the beginning");
        Assert.That((await Failure.OfRequestAsync(() => device.DiscardAsync(0, 1))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "without the right");
        Assert.That(_events, Is.Empty, "and is nobody else's business");
    });

    [Test]
    public void A_request_of_another_context_is_kept_and_ends_there([Range(0, 9)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=1000", s_stopping);
            DeviceRequests device = new(backend);
            int stops = 0;
            using IDisposable listening = fixture.Graph.Events.Subscribe<MachineStopRequested>(_ => stops++);
            MemoryStorage disk = fixture.Memory.Storage("disk");
            disk.FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
            AioContext[] contexts = [fixture.Context, fixture.World.CreateContext("one"), fixture.World.CreateContext("two")];
            Task[] writers = [.. contexts.Select((context, i) => context.RunAsync(async () =>
            {
                for (int j = 0; j < 4; j++)
                {
                    await device.WriteAsync((i * 4) + j, new byte[] { 1 });
                    Assert.That(context.IsHome, Is.True, "where it was made");
                }
            }))];
            while (device.PendingCount < writers.Length)
            {
                await fixture.Context.DelayAsync(1000);
            }

            disk.FailWith(RequestKind.Write, null);
            await contexts[1].RunAsync(device.ResumeAsync);
            await Task.WhenAll(writers);
            Assert.That(disk.Bytes.AsSpan(0, 12).ToArray(), Has.All.EqualTo(1), "everything is written");
            Assert.That(stops, Is.EqualTo(1), "one stop");
            await backend.DisposeAsync();
        });
    }

    private static ValueTask Issue(DeviceRequests device, RequestKind kind) => kind switch
    {
        RequestKind.Read => device.ReadAsync(0, new byte[1]),
        RequestKind.Write => device.WriteAsync(0, new byte[1]),
        RequestKind.WriteZeroes => device.WriteZeroesAsync(0, 1),
        _ => device.FlushAsync(),
    };
}
