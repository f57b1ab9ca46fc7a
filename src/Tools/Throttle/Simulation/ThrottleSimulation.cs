using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>
/// Requests on their way through real throttle nodes of one group, each over storage of its own, on a simulated clock. What is simulated is
/// time alone: graph, group, queues and alarms are those that a guest would meet.
/// </summary>
/// <remarks>
/// Requests of one instant are submitted in their order, and before whoever waits until that instant is woken: the timers of arrivals are armed
/// first, and timers of one instant fire in the order they were armed.
/// </remarks>
internal sealed class ThrottleSimulation
{
    private const string GroupName = "simulated";
    private const int BufferBytes = 1 << 20;
    private readonly ThrottleConfig _config;
    private readonly SimulatedRequest[] _requests;
    private readonly ISimulationObserver? _observer;
    private readonly BlockBackend[] _backends;
    private readonly long[] _admittedAtNs;
    private readonly TaskCompletionSource _over = new();
    private readonly byte[] _buffer = new byte[BufferBytes];
    private AioContext _context = null!;
    private IoVector _longBuffer;
    private int _doneCount;

    private ThrottleSimulation(ThrottleConfig config, int memberCount, SimulatedRequest[] requests, ISimulationObserver? observer)
    {
        _config = config;
        _requests = requests;
        _observer = observer;
        _backends = new BlockBackend[memberCount];
        _admittedAtNs = new long[requests.Length];
        Array.Fill(_admittedAtNs, -1);
    }

    /// <summary>Runs all <paramref name="requests"/> to their end and returns when each was admitted, in nanoseconds since the beginning.</summary>
    /// <param name="config">The limits of the group, which the caller has validated.</param>
    /// <param name="memberCount">How many nodes are in the group.</param>
    /// <param name="requests">In any order; each has a member and a length that are possible.</param>
    /// <param name="observer">Watches; null for nobody.</param>
    /// <exception cref="BlockException">The waits go beyond what the clock can show.</exception>
    public static long[] Run(ThrottleConfig config, int memberCount, SimulatedRequest[] requests, ISimulationObserver? observer = null)
    {
        ThrottleSimulation simulation = new(config, memberCount, requests, observer);
        using VirtualTimeScheduler time = new();
        try
        {
            time.Run(() => simulation.RunAsync(time.MainContext));
        }
        catch (OverflowException failure)
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, "the waits go beyond the 292 years that the simulated clock can show", failure);
        }

        return simulation._admittedAtNs;
    }

    private async Task RunAsync(AioContext context)
    {
        _context = context;
        await using NodeGraph graph = new(MainLoop.Pumped(context), [new ThrottleFilterDriver(), new SimulatedStorage(OnAdmitted)]);
        for (int member = 0; member < _backends.Length; member++)
        {
            _backends[member] = await graph.OpenAsync(OptionsOf(member));
        }

        _observer?.OnStart(graph.ThrottleGroups.Find(GroupName)!);
        if (_requests.Length > 0)
        {
            ArmArrivals();
            await _over.Task;
        }

        foreach (BlockBackend backend in _backends)
        {
            await backend.DisposeAsync();
        }
    }

    // The first member brings the limits along, all of them: a group is not created without any.
    private OptionsDictionary OptionsOf(int member)
    {
        OptionsDictionary options = new()
        {
            { "driver", "throttle" }, { "throttle-group", GroupName }, { "discard", "unmap" }, { "file.driver", SimulatedStorage.DriverName },
        };
        foreach ((string key, long value) in member == 0 ? _config.Values : [])
        {
            options.Add($"limits.{key}", value.ToString(CultureInfo.InvariantCulture));
        }

        return options;
    }

    private void ArmArrivals()
    {
        int[] order = new int[_requests.Length];
        for (int index = 0; index < order.Length; index++)
        {
            order[index] = index;
        }

        Array.Sort(order, (a, b) => _requests[a].SubmitNs != _requests[b].SubmitNs ? _requests[a].SubmitNs.CompareTo(_requests[b].SubmitNs) : a.CompareTo(b));
        for (int first = 0; first < order.Length;)
        {
            long atNs = _requests[order[first]].SubmitNs;
            int end = first + 1;
            while (end < order.Length && _requests[order[end]].SubmitNs == atNs)
            {
                end++;
            }

            _context.Arm(new Arrival(this, new ArraySegment<int>(order, first, end - first)), atNs);
            first = end;
        }
    }

    private async Task SubmitAsync(int index)
    {
        SimulatedRequest request = _requests[index];
        BlockBackend backend = _backends[request.Member];
        try
        {
            await (request.Kind switch
            {
                RequestKind.Read => backend.ReadAsync(index, BufferOf((int)request.LengthBytes)),
                RequestKind.Write => backend.WriteAsync(index, BufferOf((int)request.LengthBytes)),
                RequestKind.WriteZeroes => backend.WriteZeroesAsync(index, request.LengthBytes),
                RequestKind.Discard => backend.DiscardAsync(index, request.LengthBytes),
                _ => backend.FlushAsync(),
            });
        }
        catch (Exception failure)
        {
            // Whatever it is, the run's caller gets it.
            _over.TrySetException(failure);
            return;
        }

        // A flush, and what zeroes or discards nothing, comes to no storage.
        OnAdmitted(index);
        if (++_doneCount == _requests.Length)
        {
            _over.TrySetResult();
        }
    }

    private void OnAdmitted(long index)
    {
        if (_admittedAtNs[index] < 0)
        {
            _admittedAtNs[index] = _context.NowNs;
            _observer?.OnAdmitted((int)index, _context.NowNs);
        }
    }

    // Nobody looks at the bytes: all requests share them, and a long one has them several times.
    private IoVector BufferOf(int lengthBytes)
    {
        if (lengthBytes <= BufferBytes)
        {
            return _buffer.AsMemory(0, lengthBytes);
        }

        if (_longBuffer.Length != lengthBytes)
        {
            Memory<byte>[] parts = new Memory<byte>[((lengthBytes - 1) / BufferBytes) + 1];
            Array.Fill(parts, _buffer);
            parts[^1] = _buffer.AsMemory(0, lengthBytes - ((parts.Length - 1) * BufferBytes));
            _longBuffer = new IoVector(new IoSegments(parts));
        }

        return _longBuffer;
    }

    /// <summary>The requests of one instant.</summary>
    private sealed class Arrival(ThrottleSimulation simulation, ArraySegment<int> indexes) : AioTimer
    {
        protected override void Run()
        {
            foreach (int index in indexes)
            {
                _ = simulation.SubmitAsync(index);
                simulation._observer?.OnSubmitted(index, simulation._context.NowNs);
            }
        }
    }
}
