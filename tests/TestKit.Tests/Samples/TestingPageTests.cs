using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.TestKit.Tests.Samples;

/// <summary>The samples of docs/testing.md.</summary>
[TestFixture]
public sealed class TestingPageTests
{
    [Test]
    public void A_refused_user_leaves_no_trace()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            await fixture.BuildAsync("""
                writer[consistent-read,write|share=consistent-read] -> top
                top:  cow(backing=base) -> disk
                disk: memory(align=512) holds cow(size=1M)
                base: memory(read-only=on)
                """);
            GraphPicture before = fixture.Picture();
            BlockException refusal = await Failure.OfAsync(() => fixture.BuildAsync("second[write] -> top"));
            Assert.That(refusal.Message, Does.StartWith("line 1: Permission conflict on node 'top'"), "why");
            Assert.That(fixture.Picture().DifferenceFrom(before), Is.Empty, "nothing has changed");
        });
    }

    [Test]
    public void Requests_complete_in_any_order()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            IReadOnlyList<BlockBackend> backends = await fixture.BuildAsync("""
                blk[consistent-read,write] -> disk
                disk: scripted(size=1M)
                """);
            ScriptedNode disk = fixture.Scripted.Node("disk");
            Task first = backends[0].WriteAsync(0, new byte[512]).AsTask();
            Task second = backends[0].WriteAsync(512, new byte[512]).AsTask();
            disk.Pending[1].Succeed();
            await second;
            disk.Pending[0].FailWith(BlockErrorKind.NoSpace);
            Assert.That((await Failure.OfAsync(() => first)).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the first failed, after the second had succeeded");
        });
    }

    [Test]
    public void What_was_flushed_survives([Values(1, 2, 3)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            IReadOnlyList<BlockBackend> backends = await fixture.BuildAsync("""
                blk[consistent-read,write] -> top
                top:  cow -> disk
                disk: faulty holds cow(size=1M)
                """);
            FaultyDisk disk = fixture.Faulty.Disk("disk");
            await backends[0].WriteAsync(0, new byte[] { 1, 2, 3 });
            await backends[0].FlushAsync();
            await backends[0].WriteAsync(0, new byte[] { 4, 5, 6 });
            fixture.Memory.Storage("copy").Replace(disk.BytesAfterPowerLoss(fixture.World.Chance));
            await using BlockBackend copy = await fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=copy");
            byte[] read = new byte[3];
            await copy.ReadAsync(0, read);
            Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3 }).Or.EqualTo(new byte[] { 4, 5, 6 }), $"seed {seed}: the old bytes or the new");
        });
    }
}
