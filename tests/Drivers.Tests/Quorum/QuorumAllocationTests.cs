using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>In the steady state a read of a quorum allocates nothing: its rounds, and their buffers, are used again. The quietest of several windows counts.</summary>
[TestFixture]
[NonParallelizable]
public sealed class QuorumAllocationTests
{
    private const int SizeBytes = 4096;
    private const int WindowCount = 6;
    private const int RequestsPerWindow = 2000;
    private readonly long[] _bytes = new long[WindowCount];
    private int _left;

    [Test]
    public void A_read_allocates_nothing([Values("quorum", "fifo")] string pattern, [Values(1, 16)] int depth)
    {
        using PolledAioContext context = new("test");
        context.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [new QuorumDriver(), new NullCoDriver()]);
            await using BlockBackend backend = await graph.OpenAsync(GraphFixture.Options(
                $"driver=quorum,vote-threshold=2,read-pattern={pattern},children.0.driver=null-co,children.1.driver=null-co,children.2.driver=null-co"));
            _left = WindowCount * RequestsPerWindow;
            await Task.WhenAll([.. Enumerable.Range(0, depth).Select(i => CallAsync(backend, i, depth))]);
        });
        Assert.That(Enumerable.Range(1, WindowCount - 2).Min(i => _bytes[i + 1] - _bytes[i]), Is.Zero, "bytes allocated in the quietest window");
    }

    private async Task CallAsync(BlockBackend backend, int caller, int depth)
    {
        IoVector buffer = new byte[SizeBytes];
        while (_left > 0)
        {
            long offset = ((_left % 100 * (long)depth) + caller) * SizeBytes;
            await backend.ReadAsync(offset, buffer);
            _left--;
            if (_left >= 0 && _left % RequestsPerWindow == 0)
            {
                _bytes[WindowCount - 1 - (_left / RequestsPerWindow)] = GC.GetAllocatedBytesForCurrentThread();
            }
        }
    }
}
