using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The threads that a conversion copies on beside the command's own.</summary>
internal sealed class ConversionThreads : IDisposable
{
    // A file is written by one at a time: one more thread reads meanwhile, others would only wait.
    private const int CountMax = 1;

    // What is shorter is over before a thread has begun.
    private const long LengthBytesMin = 16 << 20;

    private readonly List<IoThread> _threads = [];

    /// <summary>Starts as many as are of use: none on a machine of one processor, in virtual time, for what is short, or where a driver is called on one thread only.</summary>
    /// <param name="world">What the command works in.</param>
    /// <param name="requestCount">How many chunks are under way at once.</param>
    /// <param name="sources">What is read.</param>
    /// <param name="target">What is written.</param>
    public ConversionThreads(ToolWorld world, int requestCount, IReadOnlyList<BlockBackend> sources, BlockBackend target)
    {
        bool areOfUse = !world.IsVirtualTime && sources.Sum(source => source.LengthBytes) >= LengthBytesMin
            && ImageConversion.GainsFromContexts(sources, target);
        int count = areOfUse ? Math.Min(CountMax, Math.Min(Environment.ProcessorCount, requestCount) - 1) : 0;
        for (int i = 0; i < count; i++)
        {
            _threads.Add(new IoThread($"convert{i}", mayBlock: true));
        }
    }

    /// <summary>What they run.</summary>
    public IReadOnlyList<AioContext> Contexts => [.. _threads.Select(thread => thread.Context)];

    /// <inheritdoc/>
    public void Dispose() => _threads.ForEach(thread => thread.Dispose());
}
