using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Samples.Embedding.Device;
using BlockGraph.Samples.Embedding.Guest;

namespace BlockGraph.Samples.Embedding;

/// <summary>A small machine: memory, a processor, slots with disk controllers, and the loop that everything but the processor runs on.</summary>
public sealed class Machine : IDisposable
{
    private readonly PolledAioContext _loop = new("emulator");
    private readonly List<DiskController> _slots = [];
    private readonly List<Task> _work = [];
    private TaskCompletionSource _stopped = new();

    /// <summary>A machine that can open what <paramref name="drivers"/> open.</summary>
    public Machine(IEnumerable<BlockDriver> drivers)
    {
        Graph = new NodeGraph(MainLoop.Pumped(_loop), drivers);
        Graph.Events.Subscribe<BlockIoError>(e => Say($"event: {e.DeviceName}: {(e.IsRead ? "read" : "write")} failed: {e.Reason}: {e.Action}"));
        Graph.Events.Subscribe<MachineStopRequested>(_ => Stop());
    }

    /// <summary>The disks, and everything they are made of.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The loop's context, which is the graph's main context.</summary>
    public AioContext Loop => _loop;

    /// <summary>The guest's memory.</summary>
    public Memory<byte> Memory { get; } = new byte[2 << 20];

    /// <summary>The virtual processor.</summary>
    public GuestProcessor Processor { get; } = new();

    /// <summary>False from a stop on, until the machine continues.</summary>
    public bool IsRunning { get; private set; } = true;

    /// <summary>Completes when the machine stops.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>Adds a controller, and a guest's driver for it.</summary>
    public (DiskController Disk, GuestDiskDriver Driver) AddSlot(string id, bool isRemovable = false)
    {
        int ringAddress = _slots.Count * GuestDiskDriver.MemoryBytes;
        DiskController disk = new(this, id, ringAddress) { IsRemovable = isRemovable };
        _slots.Add(disk);
        return (disk, new GuestDiskDriver(this, disk, ringAddress));
    }

    /// <summary>The emulator's loop: runs until <paramref name="story"/> has ended.</summary>
    public void Run(Func<Task> story)
    {
        Task task = _loop.RunAsync(story);
        while (!task.IsCompleted)
        {
            // Everything that can be done now.
            while (_loop.Poll(mayBlock: false))
            {
            }

            // Here an emulator does what else it has to do: draw its screen, read its keyboard. This one has nothing, and sleeps until a
            // request completes, a timer is due, or the processor writes a register.
            CheckWork();
            if (!task.IsCompleted)
            {
                _loop.Poll(mayBlock: true);
            }
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>A device has begun something that nobody awaits. If it fails, the emulator does.</summary>
    public void Watch(Task work) => _work.Add(work);

    /// <summary>Goes on after a stop.</summary>
    public async Task ContinueAsync()
    {
        IsRunning = true;
        _stopped = new TaskCompletionSource();
        foreach (DiskController disk in _slots)
        {
            await disk.ContinueAsync();
        }

        Processor.Continue();
    }

    /// <summary>Tells what happens.</summary>
    public static void Say(string what) => Console.WriteLine($"   {what}");

    /// <inheritdoc/>
    public void Dispose()
    {
        Processor.Dispose();
        _slots.ForEach(disk => disk.Dispose());
        _loop.Dispose();
    }

    private void Stop()
    {
        IsRunning = false;
        Processor.Pause();
        _stopped.TrySetResult();
    }

    private void CheckWork()
    {
        foreach (Task done in _work.Where(w => w.IsCompleted))
        {
            done.GetAwaiter().GetResult();
        }

        _work.RemoveAll(w => w.IsCompleted);
    }
}
