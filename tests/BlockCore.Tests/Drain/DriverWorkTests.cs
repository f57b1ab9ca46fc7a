using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Drain;

/// <summary>What drivers do for the control plane is nobody's request: drains and changes wait for it all the same.</summary>
[TestFixture]
public sealed class DriverWorkTests : GraphTests
{
    private const long LatencyNs = 1_000_000;

    // drive -> top (cow) -> disk, which the graph keeps
    [Test]
    public void A_drain_waits_for_what_a_closing_node_above_still_writes() => Fixture.Run(async () =>
    {
        MemoryStorage storage = Fixture.Memory.Storage("disk");
        CowImage.Format(storage, new CowImageOptions(64 * 1024));
        BlockNode disk = await Fixture.AddAsync($"driver=memory,filename=disk,node-name=disk,latency-ns-max={LatencyNs}");
        await Fixture.AddAsync("driver=cow,node-name=top,file=disk");
        BlockBackend drive = await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode("top")!);
        await drive.WriteAsync(0, new byte[] { 1 });
        await drive.DisposeAsync();

        // The header is yet to say that the image was closed cleanly.
        Task removal = Fixture.Graph.RemoveNodeAsync("top");
        await using (await DrainScope.BeginAsync(disk))
        {
            int requestCount = storage.Log.Count;
            await Fixture.Context.DelayAsync(20 * LatencyNs);
            Assert.That(storage.Log, Has.Count.EqualTo(requestCount), "nothing comes to a drained node");
        }

        await removal;
        Assert.That(storage.Log.Last().Kind, Is.EqualTo(RequestKind.Flush).Or.EqualTo(RequestKind.Write), "there was something to write");
    });

    // drive -> disk
    [Test]
    public void A_change_is_not_committed_while_a_driver_is_at_work_for_another() => Fixture.Run(async () =>
    {
        BlockBackend drive = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=disk", new BackendOptions { AllowsContextChange = true });
        BlockNode disk = drive.Root!;
        long endNs = 0;
        Fixture.StepHook = step =>
        {
            // The last that this change itself waits for is over; everything was found quiet before.
            if (step == "reopened memory")
            {
                _ = WorkAsync();
            }
        };
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(disk, GraphFixture.Options("detect-zeroes=on")), GraphEdit.Move(disk, Fixture.ContextOf("io"), isForced: true));
        Assert.That(endNs, Is.GreaterThan(0), "the work was over by then");
        Assert.That(disk.Context.Name, Is.EqualTo("io"), "and the change was made");

        async Task WorkAsync()
        {
            disk.Work.Begin();
            await Fixture.Context.DelayAsync(LatencyNs);
            endNs = Fixture.Context.NowNs;
            disk.Work.End();
        }
    });
}
