using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Dispatch.Linux;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Io;

/// <summary>What the commands of one run share: the open image, the requests under way, and the console.</summary>
internal sealed partial class IoSession(ToolWorld world, IToolConsole console, IoSettings settings)
{
    // Woken when a request is over, and when one is suspended.
    private readonly CoQueue _progress = new();
    private BlockBackend? _backend;
    private TemporaryFile? _overlayFile;
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

    /// <summary>How the image was opened, or reopened since.</summary>
    public IoOpenMode Mode { get; private set; } = new();

    /// <summary>The flags of every write.</summary>
    public RequestFlags WriteFlags => Mode.WriteFlags;

    /// <summary>Makes a buffer as <see cref="IoBuffer.TryCreate"/> does, for this run.</summary>
    public string? TryCreateBuffer(IReadOnlyList<long> lengths, byte pattern, out IoBuffer buffer) =>
        IoBuffer.TryCreate(lengths, pattern, settings.MisalignsBuffers, out buffer);

    /// <summary>Tells what is wrong behind the program's name; false, which is the result of whose fault it is.</summary>
    public bool Complain(string error) => Complaint.Print(console, settings.Program, error) == 0;

    /// <summary>Tells a failure behind the program's name; false, which is the result of whose it is.</summary>
    public bool Complain(BlockException failure) => Complaint.Print(console, settings.Program, failure, settings.Profile) == 0;

    /// <summary>Reads an option string; old forms are warned of.</summary>
    /// <exception cref="BlockException">It is malformed.</exception>
    public OptionsDictionary ReadOptionString(string text) => QemuOptsParser.Parse(text, null, warning =>
    {
        Complaint.Warn(console, settings.Program, warning.Message);
        Error.WriteLine(warning.Hint);
    }).ToDictionary();

    /// <summary>Raises a signal in this process, after everything that was printed is out.</summary>
    /// <exception cref="BlockException">This system has no signals.</exception>
    public void Raise(int signal)
    {
        Out.Flush();
        Error.Flush();
        ProcessSignal.Raise(signal);
    }

    /// <summary>Opens an image; a failure is told.</summary>
    /// <param name="options">What to open.</param>
    /// <param name="mode">How.</param>
    /// <param name="fileName">The file name to name in a failure, where there is one.</param>
    public async ValueTask<bool> TryOpenAsync(OptionsDictionary options, IoOpenMode mode, string? fileName)
    {
        if (IsOpen)
        {
            return Complain("file open already, try 'help close'");
        }

        try
        {
            OptionsDictionary flat = mode.ApplyTo(options);
            if (mode.Aio is { } engine)
            {
                EngineOption.SetDefault(flat, engine, world.Graph);
            }

            BackendOptions use = new() { ReadOnly = mode.IsReadOnly, CopyOnRead = mode.CopiesOnRead };
            _backend = await (mode.IsSnapshot ? OpenOverlayAsync(flat, mode, use) : world.OpenAsync(flat, use));
            Mode = mode;
            return true;
        }
        catch (BlockException failure)
        {
            string prefix = !settings.OpensByFileName ? "" : fileName is null ? "can't open: " : $"can't open device {fileName}: ";
            return Complain(failure.Prefixed(prefix));
        }
    }

    private async Task<BlockBackend> OpenOverlayAsync(OptionsDictionary image, IoOpenMode mode, BackendOptions use)
    {
        TemporaryFile file = TemporaryFile.Create();
        try
        {
            BlockBackend backend = await world.OpenAsync(() => TemporaryOverlay.OpenAsync(world.Graph, image, "qcow2", file.Path, (mode with { IsForceShare = false }).ApplyTo([]), use));
            _overlayFile = file;
            return backend;
        }
        finally
        {
            file.Dispose();
        }
    }

    /// <summary>True where the image may be written, or may be from now on; otherwise that is told.</summary>
    public async ValueTask<bool> TryMakeWritableAsync()
    {
        if (!Backend.IsReadOnly)
        {
            return true;
        }

        try
        {
            await Backend.SetPermissionsAsync(Backend.Permissions with { Required = Backend.Permissions.Required | BlockPermissions.Write });
            return true;
        }
        catch (BlockException failure)
        {
            return Complain(failure);
        }
    }

    /// <summary>Gives the image other options.</summary>
    /// <param name="changes">What is to be another.</param>
    /// <param name="mode">How it is opened from then on.</param>
    /// <param name="givesWritingUp">Whether the right to write is given up before.</param>
    /// <exception cref="BlockException">The options, the storage or another user refuse; everything is as it was.</exception>
    public async ValueTask ReopenAsync(OptionsDictionary changes, IoOpenMode mode, bool givesWritingUp)
    {
        const BlockPermissions Writing = BlockPermissions.Write | BlockPermissions.WriteUnchanged;
        PermissionSet before = Backend.Permissions;
        PermissionSet after = givesWritingUp ? before with { Required = before.Required & ~Writing } : before;
        if (after != before)
        {
            await Backend.SetPermissionsAsync(after);
        }

        try
        {
            await world.Graph.ApplyAsync(GraphEdit.Reopen(Backend.Root!, changes));
            Mode = mode;
        }
        catch (BlockException) when (after != before)
        {
            await Backend.SetPermissionsAsync(before);
            throw;
        }
    }

    /// <summary>Waits for the requests under way, then closes the image, if one is open.</summary>
    public async ValueTask CloseAsync()
    {
        if (_backend is { } backend)
        {
            await FinishAsync();
            _backend = null;
            await backend.DisposeAsync();
            _overlayFile?.Dispose();
            _overlayFile = null;
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
        ResumeForgotten();
        if (settings.DrainsToFinish && _pendingCount > 0)
        {
            await using DrainScope drained = await Backend.DrainAsync();
        }

        while (_pendingCount > 0)
        {
            await _progress.WaitAsync();
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

        _pendingCount--;
        _progress.WakeAll();
    }
}
