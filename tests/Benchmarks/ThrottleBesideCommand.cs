using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Benchmarks;

/// <summary>
/// The rate that a limit gives: here in process, and by <c>qemu-storage-daemon</c> and nbdkit's rate filter, which fio reads from
/// over NBD. Theirs include NBD and two processes; the figures show what users get, not what the limiters alone can do.
/// </summary>
internal static class ThrottleBesideCommand
{
    private const int SizeBytes = 4096;
    private const int Depth = 64;
    private const long RampSeconds = 4;

    private static readonly (string Key, long Limit)[] s_limits = [("iops-total", 1_000), ("iops-total", 10_000), ("iops-total", 50_000), ("bps-total", 10L << 20), ("bps-total", 100L << 20)];

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "seconds");
        long seconds = arguments.Number("seconds", 5);
        string directory = Directory.CreateTempSubdirectory("blockgraph-beside-").FullName;
        Report report = new("limit", "value", "program", "measured", "error %");
        try
        {
            foreach ((string key, long limit) in s_limits)
            {
                Add("blockgraph, in process", MeasureOwn(key, limit, seconds));
                Add("qemu-storage-daemon + fio", Serve(directory, socket => Daemon(socket, key, limit), key, seconds));
                if (key == "bps-total")
                {
                    Add("nbdkit --filter=rate + fio", Serve(directory, socket => Nbdkit(socket, limit), key, seconds));
                }

                void Add(string program, double? measured)
                {
                    if (measured is { } rate)
                    {
                        report.Add(key, limit, program, Math.Round(rate, 1), Math.Round(100 * ((rate / limit) - 1), 3));
                    }
                }
            }
        }
        catch (FileNotFoundException error)
        {
            report.Note($"{error.Message}: its rows, and those that need it, are left out");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        report.Note($"{SizeBytes} bytes a request, depth {Depth}, {seconds} s after {RampSeconds} s; the others' rates include NBD, and nbdkit limits bytes only");
        return report.Print(arguments.IsJson);
    }

    private static double? MeasureOwn(string key, long limit, long seconds)
    {
        double rate = 0;
        BenchmarkWorld.Run($"driver=throttle,limits.{key}={limit},file.driver=null-co,file.size=1G", async (world, backend) =>
        {
            RequestLoad load = new(backend, RequestKind.Read, Depth, SizeBytes);
            SteadyRateObserver observer = new(RampSeconds * 1_000_000_000, seconds * 1_000_000_000, load.Stop);
            BlockNode leaf = BenchmarkWorld.LeafOf(backend);
            await world.Graph.ObserveAsync(leaf, observer);
            await load.RunAsync(0, long.MaxValue / 2, null, null);
            await world.Graph.ObserveAsync(leaf, null);
            rate = observer.RatePerSecond;
        });
        return key.StartsWith("bps", StringComparison.Ordinal) ? rate * SizeBytes : rate;
    }

    private static string[] Daemon(string socket, string key, long limit) =>
    [
        "qemu-storage-daemon",
        "--object", $"throttle-group,id=g,limits.{key}={limit}",
        "--blockdev", "driver=null-co,node-name=n,size=1073741824,read-zeroes=off",
        "--blockdev", "driver=throttle,node-name=t,throttle-group=g,file=n",
        "--nbd-server", $"addr.type=unix,addr.path={socket}",
        "--export", "type=nbd,id=e,node-name=t,name=disk",
    ];

    private static string[] Nbdkit(string socket, long bytesPerSecond) =>
        ["nbdkit", "--foreground", "--unix", socket, "--exportname=disk", "--filter=rate", "null", "1G", $"rate={bytesPerSecond * 8}"];

    private static double? Serve(string directory, Func<string, string[]> commandOf, string key, long seconds)
    {
        string socket = Path.Combine(directory, "s");
        string[] command = commandOf(socket);
        File.Delete(socket);
        using Process server = Start(command[0], command[1..]);
        try
        {
            for (int tries = 0; !File.Exists(socket) && !server.WaitForExit(50); tries++)
            {
                if (tries == 100)
                {
                    return null;
                }
            }

            return server.HasExited ? null : ReadFio(socket, key, seconds);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    private static double ReadFio(string socket, string key, long seconds)
    {
        ChildRun run = ChildRun.Of(
            "fio", "--name=t", "--ioengine=nbd", $"--uri=nbd+unix:///disk?socket={socket}", "--rw=read", $"--bs={SizeBytes}", $"--iodepth={Depth}",
            "--time_based", $"--runtime={seconds}", $"--ramp_time={RampSeconds}", "--output-format=json");
        int start = run.Output.IndexOf('{', StringComparison.Ordinal);
        int end = run.Output.LastIndexOf('}');
        if (run.ExitCode != 0 || start < 0 || end < start)
        {
            throw new InvalidOperationException($"fio failed: {run.Output}");
        }

        using JsonDocument document = JsonDocument.Parse(run.Output[start..(end + 1)]);
        JsonElement read = document.RootElement.GetProperty("jobs")[0].GetProperty("read");
        return key.StartsWith("bps", StringComparison.Ordinal) ? read.GetProperty("bw_bytes").GetDouble() : read.GetProperty("iops").GetDouble();
    }

    private static Process Start(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception error)
        {
            throw new FileNotFoundException($"missing program: {program}", program, error);
        }
    }
}
