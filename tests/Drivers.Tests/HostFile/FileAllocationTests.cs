using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>In the steady state a request to a file allocates nothing: not on the loop, and not on the worker that carries it out.</summary>
/// <remarks>
/// The quietest of several windows counts. In any of them the pool may start another worker, or the test runner report
/// something from a thread of its own; what a request allocates shows in all of them.
/// </remarks>
[TestFixture]
[NonParallelizable]
public sealed class FileAllocationTests
{
    private const int SizeBytes = 4096;
    private const int LengthBytes = 1 << 20;
    private const int WindowCount = 6;
    private const int RequestsPerWindow = 3000;
    private const int ObjectBytesMin = 24;
    private const string OutOfReach = "limits.iops-total=1000000000000,limits.bps-total=1000000000000000";
    private string _path = null!;
    private PolledAioContext _context = null!;
    private readonly long[] _loopBytes = new long[WindowCount];
    private readonly long[] _processBytes = new long[WindowCount];
    private int _left;

    [SetUp]
    public void SetUp()
    {
        _path = Path.GetTempFileName();
        File.WriteAllBytes(_path, new byte[LengthBytes]);
        _context = new PolledAioContext("test");
    }

    [TearDown]
    public void TearDown()
    {
        _context.Dispose();
        File.Delete(_path);
    }

    [Test]
    public void A_request_allocates_nothing(
        [Values("driver=file,", "driver=raw,file.driver=file,file.", "driver=throttle," + OutOfReach + ",file.driver=file,file.")] string graph,
        [Values] bool isWrite,
        [Values(1, 64)] int depth)
    {
        _context.Run(async () =>
        {
            await using NodeGraph nodes = new(MainLoop.Pumped(_context), [new HostFileDriver(), new RawDriver(), new ThrottleFilterDriver()]);
            await using BlockBackend backend = await nodes.OpenAsync(KeyvalParser.Parse($"{graph}filename={_path}"));
            await LoadAsync(backend, isWrite, depth);
        });
        Assert.That(Quietest(_loopBytes), Is.Zero, "bytes allocated on the loop's thread");
        Assert.That(Quietest(_processBytes), Is.LessThan(RequestsPerWindow * ObjectBytesMin / 2), "bytes allocated by all threads together");
    }

    // The first window is there to warm up.
    private static long Quietest(long[] samples) => Enumerable.Range(1, WindowCount - 2).Min(i => samples[i + 1] - samples[i]);

    // The callers stay busy until the last sample is taken.
    private Task LoadAsync(BlockBackend backend, bool isWrite, int depth)
    {
        _left = WindowCount * RequestsPerWindow;
        return Task.WhenAll([.. Enumerable.Range(0, depth).Select(_ => CallAsync(backend, isWrite, new byte[SizeBytes]))]);
    }

    private async Task CallAsync(BlockBackend backend, bool isWrite, byte[] memory)
    {
        IoVector buffer = memory;
        while (_left > 0)
        {
            long offset = (long)_left % (LengthBytes / SizeBytes) * SizeBytes;
            await (isWrite ? backend.WriteAsync(offset, buffer) : backend.ReadAsync(offset, buffer));
            _left--;
            if (_left >= 0 && _left % RequestsPerWindow == 0)
            {
                int window = WindowCount - 1 - (_left / RequestsPerWindow);
                _processBytes[window] = GC.GetTotalAllocatedBytes(precise: true);
                _loopBytes[window] = GC.GetAllocatedBytesForCurrentThread();
            }
        }
    }
}
