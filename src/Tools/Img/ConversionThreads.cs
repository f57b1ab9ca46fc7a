using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The threads that a conversion copies on beside the command's own, and the sources that live there meanwhile: those whose drivers are called at their home alone, like the target's.</summary>
internal sealed class ConversionThreads : IAsyncDisposable
{
    // A file is written by one at a time: one more thread reads meanwhile, others would only wait.
    private const int CountMax = 1;

    // What is shorter is over before a thread has begun.
    private const long LengthBytesMin = 16 << 20;

    private readonly List<IoThread> _threads = [];
    private readonly List<(BlockBackend Backend, AioContext Home)> _moved = [];

    private ConversionThreads()
    {
    }

    /// <summary>What they run.</summary>
    public IReadOnlyList<AioContext> Contexts => [.. _threads.Select(thread => thread.Context)];

    /// <summary>Starts as many as are of use: none on a machine of one processor, in virtual time, or for what is short.</summary>
    /// <param name="world">What the command works in.</param>
    /// <param name="options">How is converted.</param>
    /// <param name="sources">What is read.</param>
    /// <param name="target">What is written.</param>
    public static async Task<ConversionThreads> StartAsync(ToolWorld world, ImageConversionOptions options, IReadOnlyList<BlockBackend> sources, BlockBackend target)
    {
        ConversionThreads threads = Start(world, options.MaySpread ? sources.Sum(source => source.LengthBytes) : 0);
        if (threads._threads.Count > 0 && !ImageConversion.GainsFromContexts(sources, target))
        {
            await threads.TakeInAsync(sources, target);
        }

        return threads;
    }

    /// <summary>Starts as many as are of use to copy an image of <paramref name="lengthBytes"/>, and moves nothing.</summary>
    public static ConversionThreads Start(ToolWorld world, long lengthBytes)
    {
        ConversionThreads threads = new();
        int count = !world.IsVirtualTime && lengthBytes >= LengthBytesMin ? Math.Min(CountMax, Environment.ProcessorCount - 1) : 0;
        for (int i = 0; i < count; i++)
        {
            threads._threads.Add(new IoThread($"convert{i}", mayBlock: true));
        }

        return threads;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await MoveBackAsync();
        _threads.ForEach(thread => thread.Dispose());
    }

    // Where something that is connected cannot follow, or the target would have to, everything stays where it is.
    private async Task TakeInAsync(IReadOnlyList<BlockBackend> sources, BlockBackend target)
    {
        AioContext targetHome = target.Context;
        try
        {
            foreach (BlockBackend source in sources)
            {
                AioContext home = source.Context;
                await source.MoveAsync(_threads[0].Context);
                _moved.Add((source, home));
            }
        }
        catch (BlockException)
        {
            await MoveBackAsync();
        }

        if (target.Context != targetHome)
        {
            await MoveBackAsync();
        }
    }

    private async Task MoveBackAsync()
    {
        foreach ((BlockBackend backend, AioContext home) in _moved)
        {
            await backend.MoveAsync(home);
        }

        _moved.Clear();
    }
}
