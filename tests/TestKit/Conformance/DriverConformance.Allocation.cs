using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <content>What a request costs.</content>
public abstract partial class DriverConformance
{
    private const int WindowCount = 5;
    private const int WarmUpCount = 300;
    private const int WindowRequestCount = 600;
    private const int MeasuredBytes = 4096;

    /// <summary>A request to what has been written before allocates nothing on its way through the driver.</summary>
    [Test]
    [NonParallelizable]
    public void A_request_allocates_nothing([Values] bool isWrite)
    {
        if (!ClaimsNoAllocation)
        {
            Assert.Ignore("the driver claims nothing about allocation");
        }

        using PolledAioContext context = new("conformance");
        long bytes = -1;
        context.Run(async () =>
        {
            await using NodeGraph graph = CreateMeasuredGraph(MainLoop.Pumped(context), out BlockCore.Options.OptionsDictionary options);
            await PrepareGraphAsync(graph);
            await using BlockBackend backend = await graph.OpenAsync(options);
            bytes = await MeasureAsync(backend, isWrite);
        });
        Requirement.Check(bytes == 0, $"{WindowRequestCount} {(isWrite ? "writes" : "reads")} have allocated {bytes} bytes");
    }

    /// <summary>A graph for measuring, on a context of real time, and the options of the node under test in it.</summary>
    private protected abstract NodeGraph CreateMeasuredGraph(MainLoop loop, out BlockCore.Options.OptionsDictionary options);

    // What is pooled is made in the first requests. The quietest window counts: what a request allocates it allocates in each.
    private async Task<long> MeasureAsync(BlockBackend backend, bool isWrite)
    {
        byte[] buffer = new byte[MeasuredBytes];
        Array.Fill(buffer, (byte)1);
        int placeCount = LengthBytes / MeasuredBytes;
        for (int i = 0; i < placeCount; i++)
        {
            await backend.WriteAsync(i * MeasuredBytes, buffer);
        }

        long before = 0;
        long quietest = long.MaxValue;
        for (int i = -WarmUpCount; i <= WindowCount * WindowRequestCount; i++)
        {
            if (i >= 0 && i % WindowRequestCount == 0)
            {
                long now = GC.GetAllocatedBytesForCurrentThread();
                quietest = i == 0 ? quietest : Math.Min(quietest, now - before);
                before = now;
            }

            long offset = (i + WarmUpCount) % placeCount * MeasuredBytes;
            await (isWrite ? backend.WriteAsync(offset, buffer) : backend.ReadAsync(offset, buffer));
        }

        return quietest;
    }
}
