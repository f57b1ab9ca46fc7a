using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A tray between a device and its medium.</summary>
[TestFixture]
public sealed class BackendTrayTests : BackendTests
{
    private readonly List<DeviceTrayMoved> _events = [];
    private CdDevice _device = null!;

    [SetUp]
    public void SetUpDevice()
    {
        _device = new CdDevice();
        _events.Clear();
        Fixture.Graph.Events.Subscribe<DeviceTrayMoved>(_events.Add);
    }

    [Test]
    public void The_medium_is_changed_through_the_open_tray() => Fixture.Run(async () =>
    {
        BlockNode first = await Fixture.AddAsync("driver=memory,filename=disk,node-name=first");
        BlockNode next = await Fixture.AddAsync("driver=memory,filename=other,node-name=next");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(first, new BackendOptions { Name = "cd" });
        backend.AttachDevice(_device);
        Assert.That((await Failure.OfAsync(backend.RemoveAsync)).Message, Is.EqualTo("Tray of device 'cd0' is not open"), "closed, nothing comes out");
        Assert.That(await backend.OpenTrayAsync(), Is.True, "open");
        await backend.RemoveAsync();
        await backend.InsertAsync(next);
        Assert.That((await Failure.OfAsync(() => backend.InsertAsync(first))).Message, Is.EqualTo("There already is a medium in the device"), "one at a time");
        await backend.CloseTrayAsync();
        Assert.That((await Failure.OfAsync(() => backend.InsertAsync(first))).Message, Is.EqualTo("Tray of the device is not open"), "closed, nothing goes in");
        Assert.That(_device.Log, Is.EqualTo(new[] { "tray open", "unloaded", "tray closed", "loaded" }), "what the device heard");
        Assert.That(_events, Is.EqualTo(new[] { new DeviceTrayMoved("cd", "cd0", true), new DeviceTrayMoved("cd", "cd0", false) }), "what the world heard");
        await backend.WriteAsync(0, new byte[] { 5 });
        Assert.That(Fixture.Memory.Storage("other").Bytes[0], Is.EqualTo(5), "the next medium");
    });

    [Test]
    public void With_the_tray_open_there_is_no_medium() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { Name = "cd" });
        backend.AttachDevice(_device);
        await backend.OpenTrayAsync();
        foreach (Func<Task> request in new Func<Task>[]
        {
            () => backend.ReadAsync(0, new byte[1]).AsTask(),
            () => backend.WriteAsync(0, new byte[1]).AsTask(),
            () => backend.WriteZeroesAsync(0, 1).AsTask(),
            () => backend.DiscardAsync(0, 1).AsTask(),
            () => backend.FlushAsync().AsTask(),
            () => backend.GetStatusAsync(0, 1).AsTask(),
            () => backend.TruncateAsync(4096),
            () => CreateContext("other").RunAsync(async () => await backend.ReadAsync(0, new byte[1])),
        })
        {
            Assert.That((await Failure.OfAsync(request)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "refused");
        }

        Assert.That((backend.LengthBytes, backend.Root!.Name), Is.EqualTo((0L, "n")), "it lies there all the same");
        await (await backend.DrainAsync()).DisposeAsync();
        await backend.CloseTrayAsync();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That((backend.LengthBytes, Disk.Log.Count), Is.EqualTo((1L << 20, 1)), "back again");
    });

    [Test]
    public void A_locked_tray_opens_by_force_only() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        backend.AttachDevice(_device);
        _device.IsMediumLocked = true;
        Assert.That(await backend.OpenTrayAsync(), Is.False, "the guest was asked");
        Assert.That((_device.Log.Single(), _device.IsTrayOpen, _events.Count), Is.EqualTo(("eject", false, 0)), "and nothing moved");
        Assert.That(await backend.OpenTrayAsync(isForced: true), Is.True, "by force");
        Assert.That(_device.Log.Skip(1), Is.EqualTo(new[] { "eject by force", "tray open", "unloaded" }), "told, and moved");
        Assert.That(await backend.OpenTrayAsync(), Is.True, "it is open already");
        Assert.That(_events, Is.EqualTo(new[] { new DeviceTrayMoved("", "cd0", true) }), "one event");
    });

    [Test]
    public void A_tray_that_does_not_move_is_not_told() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        backend.AttachDevice(_device);
        _device.IsStuck = true;
        Assert.That(await backend.OpenTrayAsync(), Is.False, "stuck");
        await backend.CloseTrayAsync();
        Assert.That((_events.Count, _device.Log.Count), Is.EqualTo((0, 0)), "nothing happened");
        await backend.ReadAsync(0, new byte[1]);
    });

    [Test]
    public void A_guest_may_move_the_tray_itself() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        backend.AttachDevice(_device);
        _device.IsTrayOpen = true;
        backend.ReportTrayMoved();
        backend.ReportTrayMoved();
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "open");
        _device.IsTrayOpen = false;
        backend.ReportTrayMoved();
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(_events.Select(e => e.IsOpen), Is.EqualTo(new[] { true, false }), "each once");
    });

    [Test]
    public void An_open_tray_comes_and_goes_with_its_device() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        _device.IsTrayOpen = true;
        backend.AttachDevice(_device);
        Assert.That(backend.LengthBytes, Is.Zero, "open from the start");
        backend.DetachDevice();
        Assert.That(backend.LengthBytes, Is.EqualTo(1 << 20), "no tray any more");
        Assert.That(_events, Is.Empty, "nothing has moved");
    });

    [Test]
    public void An_empty_device_hears_of_its_tray_and_of_no_medium() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        Assert.That(await backend.OpenTrayAsync(), Is.True, "no device, nothing in the way");
        await backend.CloseTrayAsync();
        backend.AttachDevice(_device);
        await backend.OpenTrayAsync();
        await backend.CloseTrayAsync();
        Assert.That(_device.Log, Is.EqualTo(new[] { "tray open", "tray closed" }), "there was none");
    });

    /// <summary>A CD drive.</summary>
    private sealed class CdDevice : IBlockDevice
    {
        public List<string> Log { get; } = [];

        public bool IsStuck { get; set; }

        public string Id => "cd0";

        public bool IsRemovable => true;

        public bool HasTray => true;

        public bool IsTrayOpen { get; set; }

        public bool IsMediumLocked { get; set; }

        public void MoveTray(bool isOpen)
        {
            if (!IsStuck)
            {
                IsTrayOpen = isOpen;
                Log.Add(isOpen ? "tray open" : "tray closed");
            }
        }

        public void OnMediumChanged(bool isLoaded) => Log.Add(isLoaded ? "loaded" : "unloaded");

        public void OnEjectRequested(bool isForced) => Log.Add(isForced ? "eject by force" : "eject");
    }
}
