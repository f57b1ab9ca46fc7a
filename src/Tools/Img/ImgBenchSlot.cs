using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Img;

/// <summary>One of the requests that are under way at once, with a buffer of its own.</summary>
/// <remarks>
/// Written out instead of as an async method: the compiler's machinery captures the execution context at every await, which is
/// a tenth of what a request through a null node costs.
/// </remarks>
internal sealed class ImgBenchSlot
{
    private readonly ImgBenchRun _run;
    private readonly IoVector _buffer;
    private readonly Action _onDone;
    private ValueTaskAwaiter _pending;

    /// <summary>A slot without a request.</summary>
    /// <param name="run">Hears what completes later.</param>
    /// <param name="index">Which slot it is.</param>
    /// <param name="buffer">What is read into, or written.</param>
    public ImgBenchSlot(ImgBenchRun run, int index, Memory<byte> buffer)
    {
        Index = index;
        _run = run;
        _buffer = buffer;
        _onDone = OnDone;
    }

    /// <summary>Which slot it is.</summary>
    public int Index { get; }

    /// <summary>Submits a request; true where it is still to complete, and the run will hear of it. Otherwise <see cref="TakeResult"/> is next.</summary>
    public bool Submit(BlockBackend backend, bool isWrite, long offset) =>
        isWrite ? Hook(backend.WriteAsync(offset, _buffer)) : Hook(backend.ReadAsync(offset, _buffer));

    /// <summary>The end of the request.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">It has failed.</exception>
    public void TakeResult() => _pending.GetResult();

    private bool Hook(ValueTask request)
    {
        _pending = request.GetAwaiter();
        if (_pending.IsCompleted)
        {
            return false;
        }

        _pending.UnsafeOnCompleted(_onDone);
        return true;
    }

    private void OnDone() => _run.OnDone(this);
}
