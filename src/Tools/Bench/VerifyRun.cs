using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Protocols.Null;

namespace BlockGraph.Tools.Bench;

/// <summary>A load that knows what it has written: blocks are written and read at random from several contexts at once, and at the end all are read back.</summary>
internal sealed class VerifyRun
{
    private readonly BlockBackend _backend;
    private readonly BenchLoad _load;
    private readonly VerifyWorker[] _workers;
    private readonly AioContext[] _contexts;
    private readonly long _countMax;
    private readonly int _firstChecked;
    private readonly int _checkStep;
    private long _issuedCount;
    private int _checkedCount;
    private volatile bool _isStopping;

    /// <summary>Prepares <paramref name="load"/> on <paramref name="backend"/>, with so many requests under way on each of <paramref name="contexts"/> as the load says.</summary>
    /// <exception cref="BlockException">The image is shorter than one block, or its storage keeps nothing.</exception>
    public VerifyRun(BlockBackend backend, BenchLoad load, IReadOnlyList<AioContext> contexts)
    {
        if (backend.LengthBytes < load.SizeBytes)
        {
            throw new BlockException($"the image of {backend.LengthBytes} bytes is shorter than one block of {load.SizeBytes} bytes");
        }

        if (FindForgetful(backend.Root!) is { } forgetful)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"--verify reads back what it has written, and node '{forgetful.Name}' ({forgetful.Driver.Name}) keeps nothing");
        }

        _backend = backend;
        _load = load;
        _countMax = load.RequestCountMax ?? long.MaxValue;
        Blocks = new VerifyBlocks(backend.LengthBytes, load.SizeBytes);
        int workerCount = (int)Math.Min(Math.Min((long)load.Depth * contexts.Count, Blocks.Count), VerifyBlocks.WriterCountMax);
        _workers = [.. Enumerable.Range(0, workerCount).Select(i => new VerifyWorker(this, backend, load, i))];
        _contexts = [.. Enumerable.Range(0, workerCount).Select(i => contexts[i % contexts.Count])];
        _firstChecked = (int)(load.Seed % (ulong)Blocks.Count);
        _checkStep = CoprimeStep(Blocks.Count);
    }

    /// <summary>What is known of the image.</summary>
    public VerifyBlocks Blocks { get; }

    /// <summary>Drives the load to its end and reads everything back.</summary>
    /// <exception cref="BlockException">Something else was read than was written, or a request failed; nothing was submitted after it.</exception>
    public async Task<VerifyResult> RunAsync()
    {
        long startNs = _backend.Context.NowNs;
        await OnEachAsync(worker => worker.LoadAsync());
        await _backend.FlushAsync();
        await OnEachAsync(worker => worker.CheckAsync());
        return new VerifyResult
        {
            ElapsedNs = _backend.Context.NowNs - startNs,
            ThreadCount = _contexts.Distinct().Count(),
            WriteCount = _workers.Sum(worker => worker.WriteCount),
            ZeroWriteCount = _workers.Sum(worker => worker.ZeroWriteCount),
            ReadCount = _workers.Sum(worker => worker.ReadCount),
            FlushCount = _workers.Sum(worker => worker.FlushCount),
            CheckedCount = _workers.Sum(worker => worker.CheckedCount),
        };
    }

    /// <summary>True while there is another request to make for a worker who began at <paramref name="startNs"/>, by its context's clock.</summary>
    public bool TryNext(long startNs, long nowNs) =>
        !_isStopping && (_load.DurationNs is not { } durationNs || nowNs - startNs < durationNs) && Interlocked.Increment(ref _issuedCount) <= _countMax;

    /// <summary>The next block to read back at the end, each once; false after the last.</summary>
    public bool TryNextChecked(out int index)
    {
        int count = Interlocked.Increment(ref _checkedCount) - 1;
        index = (int)(((long)count * _checkStep + _firstChecked) % Blocks.Count);
        return !_isStopping && count < Blocks.Count;
    }

    private static BlockNode? FindForgetful(BlockNode node) =>
        node.Driver is NullDriver ? node : node.Children.Where(child => (child.Role & (ChildRole.Data | ChildRole.Filtered)) != 0).Select(child => FindForgetful(child.Node)).FirstOrDefault(found => found is not null);

    // Steps of it come to every block, in an order that no read-ahead guesses.
    private static int CoprimeStep(int count)
    {
        int step = Math.Max(1, (int)(count * 0.618));
        while (GreatestCommonDivisor(step, count) != 1)
        {
            step++;
        }

        return step;
    }

    private static int GreatestCommonDivisor(int a, int b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);

    private Task OnEachAsync(Func<VerifyWorker, Task> body) => Task.WhenAll(_workers.Select((worker, i) => _contexts[i].RunAsync(async () =>
    {
        try
        {
            await body(worker);
        }
        catch
        {
            _isStopping = true;
            throw;
        }
    })));
}
