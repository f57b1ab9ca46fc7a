using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers;
using BlockGraph.Qapi;
using BlockGraph.Qapi.Options;
using Microsoft.Extensions.DependencyInjection;

string path = args.Length > 0 ? args[0] : "demo.img";
await using ServiceProvider services = new ServiceCollection()
    .AddBlockGraph()     // the graph, on a main loop with a thread of its own
    .AddBlockDrivers()   // file, raw, throttle, quorum and the others
    .AddBlockQapi()      // option strings and json: names
    .BuildServiceProvider();
NodeGraph graph = services.GetRequiredService<NodeGraph>();
if (!File.Exists(path))
{
    graph.Platform.CreateFile(path, 64 << 20);
}

string options = $"driver=throttle,file.filename={path.Replace(",", ",,")},limits.iops-total=2000,limits.iops-total-max=8000,throttle-group=bar";
await using BlockBackend disk = await graph.OpenAsync(KeyvalParser.Parse(options));

byte[] written = new byte[4096];
Array.Fill(written, (byte)0xA5);
await disk.WriteAsync(1 << 20, written);   // throttled, aligned, tracked, passed to the file as a write
await disk.FlushAsync();                   // durable from here on
byte[] read = new byte[4096];
await disk.ReadAsync(1 << 20, read);
Console.WriteLine($"{disk.LengthBytes >> 20} MiB through {string.Join(" -> ", graph.Nodes.Reverse().Select(n => n.Driver.Name))}: read back {(read.AsSpan().SequenceEqual(written) ? "what was written" : "something else")}");
