using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Qapi.Options;
using BlockGraph.Samples.Embedding.Device;
using BlockGraph.Samples.Embedding.Guest;
using BlockGraph.Samples.Embedding.Storage;

namespace BlockGraph.Samples.Embedding;

/// <summary>What befalls a small emulated machine and its disks, told step by step.</summary>
public static class Program
{
    private static readonly ThinPool s_pool = new(capacityClusters: 4);

    /// <summary>Runs it all. The only argument, if any, is a folder for the images; without one they lie in a temporary folder.</summary>
    public static void Main(string[] args)
    {
        bool isOwnFolder = args.Length == 0;
        string folder = isOwnFolder ? Directory.CreateTempSubdirectory("blockgraph-embedding-").FullName : args[0];
        try
        {
            using Machine machine = new([new HostFileDriver(), new RawDriver(), new ThrottleFilterDriver(), new ThinDriver(s_pool)]);
            machine.Run(() => TellAsync(machine, folder));
        }
        finally
        {
            if (isOwnFolder)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task TellAsync(Machine machine, string folder)
    {
        await using NodeGraph graph = machine.Graph;
        (DiskController disk, GuestDiskDriver driver) = await BootAsync(machine, folder);
        (DiskController hot, GuestDiskDriver hotDriver) = machine.AddSlot("disk1");
        await HotPlugAsync(machine, hot, hotDriver, driver);
        await ThrottleAsync(machine, hot, hotDriver);
        await RunOutOfSpaceAsync(machine, hot, hotDriver);
        await ResizeAsync(machine, hot, hotDriver);
        await UnplugAsync(machine, hot, hotDriver);
        await ChangeMediumAsync(machine, folder);

        Step("power off");
        await machine.Processor.RunAsync(() => driver.Do(DiskCommandKind.Flush));
        DiskReport.Print(disk.Backend!);
        Machine.Say($"{graph.Backends.Count} backends are closed with the graph");
    }

    private static async Task<(DiskController Disk, GuestDiskDriver Driver)> BootAsync(Machine machine, string folder)
    {
        Step("power on, with a file as disk0");
        machine.Graph.Platform.CreateFile(Path.Combine(folder, "disk0.img"), 1 << 20);
        (DiskController disk, GuestDiskDriver driver) = machine.AddSlot("disk0");
        BlockBackend backend = await machine.Graph.OpenAsync(
            KeyvalParser.Parse($"driver=raw,node-name=disk0-image,file.filename={Escape(Path.Combine(folder, "disk0.img"))}"), new BackendOptions { Name = "disk0-backend" });
        DiskReport.Begin(backend);
        disk.Plug(backend);
        await machine.Processor.RunAsync(() =>
        {
            driver.Write(firstBlock: 0, count: 16, value: 0xA0);
            driver.Do(DiskCommandKind.WriteZeroes, firstBlock: 8, count: 8);
            driver.Do(DiskCommandKind.Flush);
            Machine.Say($"guest: {driver.LengthBytes >> 10} KiB, 8 blocks written, 8 zeroed: "
                + (driver.Shows(0, 8, 0xA0) && driver.Shows(8, 8, 0) ? "read back" : "lost"));
        });
        return (disk, driver);
    }

    private static async Task HotPlugAsync(Machine machine, DiskController hot, GuestDiskDriver hotDriver, GuestDiskDriver driver)
    {
        Step("disk1 is plugged in while the guest works on disk0");
        Task load = machine.Processor.RunAsync(() => driver.Write(firstBlock: 16, count: 64, value: 0xA1));
        BlockBackend backend = await machine.Graph.OpenAsync(
            KeyvalParser.Parse("driver=raw,node-name=disk1-image,discard=unmap,file.driver=thin,file.size=1M,file.latency-ns=5000000"),
            new BackendOptions { Name = "disk1-backend", CanResize = true, WriteErrorPolicy = BlockErrorPolicy.Enospc });
        DiskReport.Begin(backend);
        hot.Plug(backend);
        await load;
        await machine.Processor.RunAsync(() =>
        {
            hotDriver.WaitForState(DiskStates.Plugged | DiskStates.HasMedium);
            hotDriver.Write(firstBlock: 0, count: 16, value: 0xB0);
            Machine.Say($"guest: a new disk with {hotDriver.LengthBytes >> 10} KiB: {(hotDriver.Shows(0, 16, 0xB0) ? "works" : "lost")}");
        });
        Machine.Say($"pool: {s_pool.UsedClusters} of {s_pool.CapacityClusters} clusters are taken");
    }

    private static async Task ThrottleAsync(Machine machine, DiskController hot, GuestDiskDriver hotDriver)
    {
        Step("a throttle filter is put in while requests are in flight");
        Task load = machine.Processor.RunAsync(() => hotDriver.Write(firstBlock: 0, count: 48, value: 0xB1));
        while (hot.InFlightCount < DiskController.DepthMax)
        {
            await machine.Loop.DelayAsync(100_000);
        }

        await machine.Graph.ApplyAsync(GraphEdit.Append(
            KeyvalParser.Parse("driver=throttle,node-name=limit,throttle-group=slow,limits.iops-total=400"), hot.Backend!.Root!));
        Machine.Say($"disk1 is now {Chain(hot.Backend)}");
        await load;
        await machine.Processor.RunAsync(() => Machine.Say($"guest: {(hotDriver.Shows(0, 48, 0xB1) ? "everything arrived" : "lost")}"));
        await machine.Graph.ApplyAsync(GraphEdit.DropFilter(machine.Graph.LookUp("limit")));
        Machine.Say($"disk1 is now {Chain(hot.Backend)}");
    }

    private static async Task RunOutOfSpaceAsync(Machine machine, DiskController hot, GuestDiskDriver hotDriver)
    {
        Step("the pool is full: the machine stops, and goes on when there is space");
        Task load = machine.Processor.RunAsync(() =>
        {
            // One block in each of 6 clusters, for which 1 cluster is free.
            for (int cluster = 3; cluster < 9; cluster++)
            {
                hotDriver.Write(cluster * ThinPool.ClusterBytes / GuestDiskDriver.BlockBytes, count: 1, value: 0xB2);
            }
        });
        await machine.Stopped;
        Machine.Say($"stopped: I/O status {hot.Backend!.IoStatus}, {hot.KeptCount} request kept, {s_pool.UsedClusters} of {s_pool.CapacityClusters} clusters taken");
        s_pool.Grow(clusterCount: 8);
        await machine.ContinueAsync();
        await load;
        Machine.Say($"goes on: I/O status {hot.Backend.IoStatus}, {hot.KeptCount} requests kept, {s_pool.UsedClusters} of {s_pool.CapacityClusters} clusters taken");
        await machine.Processor.RunAsync(() =>
        {
            hotDriver.Do(DiskCommandKind.Discard, firstBlock: 48, count: 96);
            Machine.Say($"guest: noticed {hotDriver.FailedCount} failures");
        });
        Machine.Say($"pool: after a discard {s_pool.UsedClusters} of {s_pool.CapacityClusters} clusters are taken");
    }

    private static async Task ResizeAsync(Machine machine, DiskController hot, GuestDiskDriver hotDriver)
    {
        Step("disk1 grows");
        await hot.Backend!.TruncateAsync(2 << 20);
        await machine.Processor.RunAsync(() =>
        {
            hotDriver.WaitForLength(2 << 20);
            long last = (hotDriver.LengthBytes / GuestDiskDriver.BlockBytes) - 1;
            hotDriver.Write(last, count: 1, value: 0xB3);
            Machine.Say($"guest: the last of {last + 1} blocks: {(hotDriver.Shows(last, 1, 0xB3) ? "works" : "lost")}");
        });
    }

    private static async Task UnplugAsync(Machine machine, DiskController hot, GuestDiskDriver hotDriver)
    {
        Step("disk1 is unplugged");
        Task release = machine.Processor.RunAsync(hotDriver.ReleaseWhenAsked);
        BlockBackend backend = await hot.UnplugAsync();
        await release;
        DiskReport.Print(backend);
        await backend.DisposeAsync();
        Machine.Say($"nodes left: {string.Join(", ", machine.Graph.Nodes.Select(n => n.Driver.Name))}; the pool has {s_pool.UsedClusters} clusters taken");
    }

    private static async Task ChangeMediumAsync(Machine machine, string folder)
    {
        Step("a drive with a tray: one disc, then another");
        (DiskController drive, GuestDiskDriver driver) = machine.AddSlot("cd0", isRemovable: true);
        drive.Plug(await machine.Graph.CreateBackendAsync(new BackendOptions { Name = "cd0-backend", ReadOnly = true }));
        for (byte value = 1; value <= 2; value++)
        {
            string path = Path.Combine(folder, $"disc{value}.img");
            await File.WriteAllBytesAsync(path, Enumerable.Repeat(value, value * GuestDiskDriver.BlockBytes).ToArray());
            await drive.Backend!.OpenTrayAsync();
            if (drive.Backend.Root is { } old)
            {
                await drive.Backend.RemoveAsync();
                await machine.Graph.RemoveNodeAsync(old.Name);
            }

            await drive.Backend.InsertAsync(await machine.Graph.AddNodeAsync(KeyvalParser.Parse($"driver=raw,node-name=disc{value},read-only=on,file.filename={Escape(path)}")));
            await drive.Backend.CloseTrayAsync();
            await machine.Processor.RunAsync(() => Machine.Say($"guest: {driver.LengthBytes >> 10} KiB: {(driver.Shows(0, value, value) ? "reads" : "lost")}"));
        }
    }

    private static string Chain(BlockBackend backend)
    {
        List<string> names = [];
        for (BlockNode? node = backend.Root; node is not null; node = node.PrimaryChild?.Node)
        {
            names.Add(node.Driver.Name);
        }

        return string.Join(" -> ", names);
    }

    private static string Escape(string path) => path.Replace(",", ",,", StringComparison.Ordinal);

    private static void Step(string what) => Console.WriteLine($"-- {what}");
}
