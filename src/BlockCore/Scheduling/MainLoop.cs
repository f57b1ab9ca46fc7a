namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The loop whose context may change the graph. Without an embedder that pumps, a thread of its own runs it, so that the
/// first await of a new user never hangs. <i>QEMU: the main loop.</i>
/// </summary>
public sealed class MainLoop : IDisposable
{
    private readonly IoThread? _thread;

    private MainLoop(AioContext context, IoThread? thread)
    {
        Context = context;
        _thread = thread;
    }

    /// <summary>The main context.</summary>
    public AioContext Context { get; }

    /// <summary>True where a thread of ours runs it, false where an embedder does.</summary>
    public bool HasThread => _thread is not null;

    /// <summary>A main loop with a thread of its own.</summary>
    public static MainLoop Start(HostPlatform? platform = null)
    {
        IoThread thread = new("main-loop", platform);
        return new MainLoop(thread.Context, thread);
    }

    /// <summary>A main loop that the caller pumps: a <see cref="PolledAioContext"/>, or a context of virtual time. The caller disposes the context.</summary>
    public static MainLoop Pumped(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new MainLoop(context, null);
    }

    /// <summary>Ends the thread, where there is one. Not from the loop itself.</summary>
    public void Dispose() => _thread?.Dispose();
}
