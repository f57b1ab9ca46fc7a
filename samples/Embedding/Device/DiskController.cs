using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Samples.Embedding.Device;

/// <summary>
/// An emulated disk controller with one slot. The guest puts commands into a ring in its memory and writes how many there are into a register; the
/// controller fetches them, makes requests of the backend in the slot, puts completions into a second ring and raises its interrupt line.
/// </summary>
/// <remarks>Registers may be reached from any thread; everything else happens on the main context.</remarks>
public sealed class DiskController : IBlockDevice, IDisposable
{
    /// <summary>Entries of each ring.</summary>
    public const int RingLength = 64;

    /// <summary>How many commands are carried out at once; more stay in the ring.</summary>
    public const int DepthMax = 8;

    private readonly Machine _machine;
    private readonly Memory<byte> _submissions;
    private readonly Memory<byte> _completions;
    private readonly long[] _registers = new long[Enum.GetValues<DiskRegister>().Length];
    private DeviceRequests? _requests;
    private TaskCompletionSource? _released;
    private long _fetchedCount;
    private bool _isDrained;

    /// <summary>A controller whose rings lie at <paramref name="ringAddress"/> of the machine's memory, the completions behind the submissions.</summary>
    public DiskController(Machine machine, string id, int ringAddress)
    {
        ArgumentNullException.ThrowIfNull(machine);
        _machine = machine;
        Id = id;
        _submissions = machine.Memory.Slice(ringAddress, RingLength * DiskCommand.Size);
        _completions = machine.Memory.Slice(ringAddress + _submissions.Length, RingLength * DiskCompletion.Size);
    }

    /// <inheritdoc/>
    public string Id { get; }

    /// <inheritdoc/>
    public bool IsRemovable { get; init; }

    /// <inheritdoc/>
    public bool HasTray => IsRemovable;

    /// <inheritdoc/>
    public bool IsTrayOpen { get; private set; }

    /// <summary>What is in the slot, or null.</summary>
    public BlockBackend? Backend { get; private set; }

    /// <summary>Commands that are being carried out.</summary>
    public int InFlightCount { get; private set; }

    /// <summary>Commands that the guest has submitted and the controller has not fetched.</summary>
    public long WaitingCount => Read(DiskRegister.SubmittedCount) - _fetchedCount;

    /// <summary>Requests that failed where the policy is to stop; they wait for the machine to go on.</summary>
    public int KeptCount => _requests?.PendingCount ?? 0;

    /// <summary>The wire to the processor.</summary>
    public InterruptLine Interrupt { get; } = new();

    /// <summary>The guest reads a register. Any thread.</summary>
    public long Read(DiskRegister register) => Volatile.Read(ref _registers[(int)register]);

    /// <summary>The guest writes a register. Any thread: what follows happens on the main context.</summary>
    public void Write(DiskRegister register, long value)
    {
        Volatile.Write(ref _registers[(int)register], value);
        _machine.Loop.Post(static state => ((DiskController)state!).OnRegisterWritten(), this);
    }

    /// <summary>Puts a disk into the slot.</summary>
    public void Plug(BlockBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Backend = backend;
        _requests = new DeviceRequests(backend);
        backend.IsIoStatusEnabled = true;
        backend.AttachDevice(this);
        ShowMedium();
    }

    /// <summary>Asks the guest to let the disk go, and takes it out when the guest has agreed. Who gets it closes it.</summary>
    public async Task<BlockBackend> UnplugAsync()
    {
        BlockBackend backend = Backend!;
        _released = new TaskCompletionSource();
        Show(DiskStates.Plugged | DiskStates.HasMedium | DiskStates.IsReleaseWanted, backend.LengthBytes);
        await _released.Task;
        await using (await backend.DrainAsync())
        {
            backend.DetachDevice();
            Backend = null;
            _requests = null;
        }

        Show(DiskStates.None, 0);
        return backend;
    }

    /// <summary>The machine goes on after a stop: kept requests are made again, and the ring is looked at.</summary>
    public async Task ContinueAsync()
    {
        if (_requests is not null)
        {
            await _requests.ResumeAsync();
        }

        Fetch();
    }

    /// <inheritdoc/>
    public void OnDrainedBegin()
    {
        _isDrained = true;
        if (InFlightCount + WaitingCount > 0)
        {
            Machine.Say($"{Id}: drain begins: {InFlightCount} in flight, {WaitingCount} stay in the ring");
        }
    }

    /// <inheritdoc/>
    public void OnDrainedEnd()
    {
        _isDrained = false;
        if (WaitingCount > 0)
        {
            Machine.Say($"{Id}: drain over: the ring goes on");
            Fetch();
        }
    }

    /// <inheritdoc/>
    public void OnResized(long lengthBytes)
    {
        Machine.Say($"{Id}: has {lengthBytes >> 10} KiB now");
        ShowMedium();
    }

    /// <inheritdoc/>
    public void MoveTray(bool isOpen) => IsTrayOpen = isOpen;

    /// <inheritdoc/>
    public void OnMediumChanged(bool isLoaded)
    {
        Machine.Say($"{Id}: medium {(isLoaded ? "in" : "out")}");
        ShowMedium();
    }

    /// <inheritdoc/>
    public void Dispose() => Interrupt.Dispose();

    private void OnRegisterWritten()
    {
        if (Read(DiskRegister.Release) != 0)
        {
            Volatile.Write(ref _registers[(int)DiskRegister.Release], 0);
            _released?.TrySetResult();
        }

        Fetch();
    }

    private void Fetch()
    {
        while (!_isDrained && _machine.IsRunning && InFlightCount < DepthMax && WaitingCount is > 0 and <= RingLength)
        {
            DiskCommand command = DiskCommand.ReadFrom(_submissions.Span.Slice((int)(_fetchedCount % RingLength) * DiskCommand.Size, DiskCommand.Size));
            _fetchedCount++;
            InFlightCount++;
            _machine.Watch(ExecuteAsync(command));
        }
    }

    private async Task ExecuteAsync(DiskCommand command)
    {
        DiskResult result = DiskResult.Done;
        try
        {
            await RequestAsync(command);
        }
        catch (BlockException error)
        {
            result = error.Kind switch
            {
                BlockErrorKind.NoSpace => DiskResult.NoSpace,
                BlockErrorKind.NoMedium => DiskResult.NoMedium,
                BlockErrorKind.InvalidArgument or BlockErrorKind.NotPermitted => DiskResult.Invalid,
                _ => DiskResult.Failed,
            };
        }

        InFlightCount--;
        long count = Read(DiskRegister.CompletedCount);
        new DiskCompletion(command.Tag, result).WriteTo(_completions.Span.Slice((int)(count % RingLength) * DiskCompletion.Size, DiskCompletion.Size));
        Volatile.Write(ref _registers[(int)DiskRegister.CompletedCount], count + 1);
        Interrupt.Raise();
        Fetch();
    }

    // The guest's memory is the buffer: nothing is copied on the way.
    private ValueTask RequestAsync(in DiskCommand command)
    {
        DeviceRequests requests = _requests ?? throw new BlockException(BlockErrorKind.NoMedium, $"{Id}: the slot is empty");
        return command.Kind switch
        {
            DiskCommandKind.Read => requests.ReadAsync(command.OffsetBytes, BufferOf(command)),
            DiskCommandKind.Write => requests.WriteAsync(command.OffsetBytes, BufferOf(command)),
            DiskCommandKind.Flush => requests.FlushAsync(),
            DiskCommandKind.Discard => requests.DiscardAsync(command.OffsetBytes, command.LengthBytes),
            DiskCommandKind.WriteZeroes => requests.WriteZeroesAsync(command.OffsetBytes, command.LengthBytes),
            _ => throw new BlockException($"{Id}: unknown command {command.Kind}"),
        };
    }

    private Memory<byte> BufferOf(in DiskCommand command) =>
        command.Address >= 0 && command.LengthBytes >= 0 && command.Address <= _machine.Memory.Length - command.LengthBytes
            ? _machine.Memory.Slice((int)command.Address, (int)command.LengthBytes)
            : throw new BlockException($"{Id}: a buffer outside the memory");

    private void ShowMedium()
    {
        bool hasMedium = Backend!.Root is not null && !IsTrayOpen;
        Show(DiskStates.Plugged | (hasMedium ? DiskStates.HasMedium : DiskStates.None), hasMedium ? Backend.LengthBytes : 0);
    }

    private void Show(DiskStates states, long lengthBytes)
    {
        Volatile.Write(ref _registers[(int)DiskRegister.LengthBytes], lengthBytes);
        Volatile.Write(ref _registers[(int)DiskRegister.State], (long)states);
        Interrupt.Raise();
    }
}
