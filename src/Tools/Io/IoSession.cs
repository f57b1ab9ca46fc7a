using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>What the commands of one run share: the open image, the requests under way, and the console.</summary>
internal sealed class IoSession(ToolWorld world, IToolConsole console, IoSettings settings)
{
    private readonly CoQueue _idle = new();
    private BlockBackend? _backend;
    private IoOpenMode _mode = new();
    private int _pendingCount;
    private Exception? _bug;

    /// <summary>What depends on the name that the program was called by.</summary>
    public IoSettings Settings => settings;

    /// <summary>Where results go.</summary>
    public TextWriter Out => console.Out;

    /// <summary>Where complaints go that do not belong to the results.</summary>
    public TextWriter Error => console.Error;

    /// <summary>The loop's present instant, in nanoseconds.</summary>
    public long NowNs => world.Context.NowNs;

    /// <summary>True once <c>quit</c> has run.</summary>
    public bool IsQuitting { get; set; }

    /// <summary>True where an image is open.</summary>
    public bool IsOpen => _backend is not null;

    /// <summary>The open image.</summary>
    public BlockBackend Backend => _backend ?? throw new InvalidOperationException("no image is open");

    /// <summary>The flags of every write.</summary>
    public RequestFlags WriteFlags => _mode.WriteFlags;

    /// <summary>Opens an image; a failure is told.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="mode">How.</param>
    /// <param name="fileName">The file name to name in a failure, where there is one.</param>
    public async ValueTask<bool> TryOpenAsync(OptionsDictionary options, IoOpenMode mode, string? fileName)
    {
        if (IsOpen)
        {
            Complaint.Print(console, settings.Program, "file open already, try 'help close'");
            return false;
        }

        try
        {
            _backend = await world.OpenAsync(mode.ApplyTo(options), new BackendOptions { ReadOnly = mode.IsReadOnly, CopyOnRead = mode.CopiesOnRead });
            _mode = mode;
            return true;
        }
        catch (BlockException failure)
        {
            string prefix = !settings.OpensByFileName ? "" : fileName is null ? "can't open: " : $"can't open device {fileName}: ";
            Complaint.Print(console, settings.Program, failure.Prefixed(prefix), settings.Profile);
            return false;
        }
    }

    /// <summary>True where the image may be written; otherwise that is told.</summary>
    public bool CheckWritable()
    {
        if (Backend.IsReadOnly)
        {
            Complaint.Print(console, settings.Program, "Block node is read-only");
        }

        return !Backend.IsReadOnly;
    }

    /// <summary>Waits for the requests under way, then closes the image, if one is open.</summary>
    public async ValueTask CloseAsync()
    {
        if (_backend is { } backend)
        {
            await FinishAsync();
            _backend = null;
            await backend.DisposeAsync();
        }
    }

    /// <summary>Starts a request that the next command does not wait for. It tells its result itself.</summary>
    public void Submit(Func<ValueTask> request)
    {
        _pendingCount++;
        _ = RunAsync(request);
    }

    /// <summary>Waits for <paramref name="delayNs"/> nanoseconds.</summary>
    public ValueTask DelayAsync(long delayNs) => world.Context.DelayAsync(delayNs);

    /// <summary>Waits for every request that was submitted.</summary>
    public async ValueTask FinishAsync()
    {
        if (settings.DrainsToFinish && _pendingCount > 0)
        {
            await using DrainScope drained = await Backend.DrainAsync();
        }

        while (_pendingCount > 0)
        {
            await _idle.WaitAsync();
        }

        if (_bug is not null)
        {
            throw new InvalidOperationException("a submitted request broke", _bug);
        }
    }

    private async Task RunAsync(Func<ValueTask> request)
    {
        try
        {
            await request();
        }
        catch (Exception bug)
        {
            // A request tells failures of the world itself. What is left is a bug, which FinishAsync throws.
            _bug ??= bug;
        }

        if (--_pendingCount == 0)
        {
            _idle.WakeAll();
        }
    }
}
