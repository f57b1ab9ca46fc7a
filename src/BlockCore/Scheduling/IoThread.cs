using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>A thread that runs one context until it is disposed. <i>QEMU: IOThread.</i></summary>
public sealed class IoThread : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _isStopping;

    /// <summary>Starts the thread <paramref name="name"/>.</summary>
    /// <param name="name">What it and its context are called.</param>
    /// <param name="platform">The system; null for the one it runs on.</param>
    /// <param name="mayBlock">True where all work of the loop is one user's, who waits for it anyway: <see cref="PolledAioContext.MayBlock"/>.</param>
    public IoThread(string name, HostPlatform? platform = null, bool mayBlock = false)
    {
        Context = new PolledAioContext(name, platform: platform) { HasOneThread = true, MayBlock = mayBlock };
        _thread = new Thread(RunLoop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>The context that the thread runs.</summary>
    public PolledAioContext Context { get; }

    /// <summary>Stops the loop after its present turn and waits for the thread to end. Not from the thread itself.</summary>
    public void Dispose()
    {
        if (_isStopping)
        {
            return;
        }

        Invariant.Check(!Context.IsHome);
        Context.Post(static state => ((IoThread)state!)._isStopping = true, this);
        _thread.Join();
        Context.Dispose();
    }

    private void RunLoop()
    {
        AioContext.Entry saved = Context.Enter();
        try
        {
            while (!_isStopping)
            {
                Context.Turn(mayBlock: true);
            }
        }
        finally
        {
            AioContext.Leave(saved);
        }
    }
}
