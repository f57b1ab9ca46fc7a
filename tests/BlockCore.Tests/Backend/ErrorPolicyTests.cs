using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>What is done about a failure: the policy says what, the status remembers it, the world hears of it.</summary>
[TestFixture]
public sealed class ErrorPolicyTests : BackendTests
{
    private static readonly BlockException s_full = new(BlockErrorKind.NoSpace, "node 'n' is full");
    private static readonly BlockException s_broken = new(BlockErrorKind.InputOutput, "node 'n' is broken");

    [TestCase(BlockErrorPolicy.Report, "report report report report", false)]
    [TestCase(BlockErrorPolicy.Ignore, "ignore ignore ignore ignore", false)]
    [TestCase(BlockErrorPolicy.Stop, "stop stop stop stop", true)]
    [TestCase(BlockErrorPolicy.Enospc, "stop report stop report", true)]
    [TestCase(BlockErrorPolicy.Auto, "report report stop report", true)]
    public void A_policy_says_what_is_done(BlockErrorPolicy policy, string actions, bool canStop) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { ReadErrorPolicy = policy, WriteErrorPolicy = policy });
        BlockErrorAction[] found =
        [
            backend.GetErrorAction(isRead: true, s_full), backend.GetErrorAction(isRead: true, s_broken),
            backend.GetErrorAction(isRead: false, s_full), backend.GetErrorAction(isRead: false, s_broken),
        ];
        Assert.That(string.Join(' ', found).ToLowerInvariant(), Is.EqualTo(actions), "a read that finds it full, or broken; a write that does");
        Assert.That(policy.CanStop(isRead: false), Is.EqualTo(canStop), "whether it can stop");
    });

    [Test]
    public void Reads_are_reported_and_full_storage_stops_writes_where_nobody_says_otherwise() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        Assert.That((backend.ReadErrorPolicy, backend.WriteErrorPolicy), Is.EqualTo((BlockErrorPolicy.Report, BlockErrorPolicy.Enospc)), "the defaults");
        backend.ReadErrorPolicy = BlockErrorPolicy.Ignore;
        backend.WriteErrorPolicy = BlockErrorPolicy.Report;
        Assert.That((backend.GetErrorAction(true, s_full), backend.GetErrorAction(false, s_full)), Is.EqualTo((BlockErrorAction.Ignore, BlockErrorAction.Report)), "changed");
    });

    [Test]
    public void A_stop_sets_the_status_then_tells_then_asks_the_machine_to_stop() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { Name = "drive" });
        backend.IsIoStatusEnabled = true;
        List<(BlockEvent, BlockIoStatus)> heard = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockEvent>(e => heard.Add((e, backend.IoStatus)));
        backend.ApplyErrorAction(BlockErrorAction.Stop, isRead: false, s_full);
        backend.ApplyErrorAction(BlockErrorAction.Stop, isRead: true, s_broken);
        backend.ApplyErrorAction(BlockErrorAction.Report, isRead: true, s_broken);
        Assert.That(
            heard,
            Is.EqualTo(new (BlockEvent, BlockIoStatus)[]
            {
                (new BlockIoError("drive", "n", false, BlockErrorAction.Stop, true, "No space left on device"), BlockIoStatus.NoSpace),
                (new MachineStopRequested("drive"), BlockIoStatus.NoSpace),
                (new BlockIoError("drive", "n", true, BlockErrorAction.Stop, false, "Input/output error"), BlockIoStatus.NoSpace),
                (new MachineStopRequested("drive"), BlockIoStatus.NoSpace),
                (new BlockIoError("drive", "n", true, BlockErrorAction.Report, false, "Input/output error"), BlockIoStatus.NoSpace),
            }),
            "in this order, and the first status sticks");
    });

    [Test]
    public void The_status_is_kept_only_where_the_device_wants_it_and_something_can_stop() => Fixture.Run(async () =>
    {
        List<BlockIoError> heard = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockIoError>(heard.Add);
        await using BlockBackend backend = await OpenMemoryAsync();
        backend.ApplyErrorAction(BlockErrorAction.Stop, isRead: false, s_broken);
        Assert.That((backend.HasIoStatus, backend.IoStatus, heard[0].IsNoSpace), Is.EqualTo((false, BlockIoStatus.Ok, (bool?)null)), "nobody wants it");
        Assert.That((heard[0].DeviceName, heard[0].NodeName), Is.EqualTo(("", "n")), "a backend without a name");
        backend.IsIoStatusEnabled = true;
        backend.WriteErrorPolicy = BlockErrorPolicy.Report;
        Assert.That(backend.HasIoStatus, Is.False, "nothing can stop");
        backend.ReadErrorPolicy = BlockErrorPolicy.Stop;
        Assert.That(backend.HasIoStatus, Is.True, "reads can");
        backend.ApplyErrorAction(BlockErrorAction.Stop, isRead: true, s_broken);
        Assert.That((backend.IoStatus, heard[1].IsNoSpace), Is.EqualTo((BlockIoStatus.Failed, (bool?)false)), "and one has");
    });

    [Test]
    public void The_status_begins_anew_with_a_device_with_a_resumption_and_with_a_reset() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        backend.IsIoStatusEnabled = true;
        foreach (Func<Task> reset in new Func<Task>[]
        {
            () => Do(() => backend.AttachDevice(new RecordingDevice())),
            backend.ResumeIoAsync,
            () => CreateContext("other").RunAsync(backend.ResumeIoAsync),
            () => Do(backend.ResetIoStatus),
            () => Do(() => backend.IsIoStatusEnabled = true),
        })
        {
            backend.ApplyErrorAction(BlockErrorAction.Stop, isRead: false, s_full);
            Assert.That(backend.IoStatus, Is.EqualTo(BlockIoStatus.NoSpace), "it has stopped");
            await reset();
            Assert.That(backend.IoStatus, Is.EqualTo(BlockIoStatus.Ok), "and goes on");
        }
    });

    private static Task Do(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
