using System.CommandLine;
using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Bench;

/// <summary>The command line of <c>blockgraph bench</c>.</summary>
internal sealed class BenchCommandLine
{
    private const long NsPerSecond = 1_000_000_000;
    private const long SecondsDefault = 10;
    private const long SecondsMax = 1_000_000_000;
    private const int DepthMax = 65536;
    private const int SizeBytesMax = 1 << 30;
    private const int ThreadCountMax = 256;
    private static readonly string[] s_mixes = ["read", "write", "randread", "randwrite", "rw"];
    private readonly IToolConsole _console;
    private readonly Argument<string> _options = CommonArguments.Options();
    private readonly Option<string[]> _objects = CreatedObjects.Option();
    private readonly Option<string> _create = new("--create") { Description = "make the sparse file that OPTIONS name, of this size, if it is not there yet", HelpName = "SIZE" };
    private readonly Option<string> _seconds = new("--seconds") { Description = "how long the load runs (default: 10, or as long as --count takes)", HelpName = "S" };
    private readonly Option<string> _depth = new("--depth") { Description = "requests under way at once", HelpName = "N", DefaultValueFactory = _ => "16" };
    private readonly Option<string> _size = new("--size") { Description = "length of every request", HelpName = "BYTES", DefaultValueFactory = _ => "4k" };
    private readonly Option<string> _mix = new("--mix") { Description = "read and write go through the image in order, the others at random; rw is half and half", HelpName = string.Join('|', s_mixes), DefaultValueFactory = _ => "randread" };
    private readonly Option<string> _count = new("--count") { Description = "stop after so many requests", HelpName = "N" };
    private readonly Option<string> _seed = new("--seed") { Description = "decides the random order", HelpName = "N", DefaultValueFactory = _ => "1" };
    private readonly Option<bool> _metrics = new("--metrics") { Description = "show what each node and edge has carried out, with latencies and queue depths" };
    private readonly Option<string> _traceSlow = new("--trace-slow") { Description = "show the slowest of the requests that take so many milliseconds, and where their time went", HelpName = "MS" };
    private readonly Option<bool> _verify = new("--verify") { Description = "write stamped blocks, read them back in random order and compare; overwrites the image, and exits with 1 on a block that is wrong" };
    private readonly Option<string> _threads = new("--threads") { Description = "with --verify: I/O threads, each with --depth requests under way (default: the command's own thread)", HelpName = "N" };
    private readonly Option<bool> _json = CommonArguments.Json();
    private readonly Option<bool> _virtualTime = CommonArguments.VirtualTime();

    private BenchCommandLine(IToolConsole console) => _console = console;

    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        BenchCommandLine line = new(console);
        Command command = new("bench", "Open a graph, drive a load through it and report rates, latencies, and how well limits are kept.")
        {
            line._options, line._objects, line._create, line._seconds, line._depth, line._size, line._mix, line._count, line._seed, line._metrics, line._traceSlow, line._verify, line._threads, line._json, line._virtualTime,
        };
        command.SetAction(line.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        bool isVerified = parsed.GetValue(_verify);
        int threadCount = ReadThreads(parsed, isVerified);
        BenchLoad load = ReadLoad(parsed, isVerified);
        long? slowNs = parsed.GetValue(_traceSlow) is { } ms ? ReadNs(_traceSlow, ms, NsPerSecond / 1000) : null;
        OptionsDictionary options = CommandOptions.Read(parsed.GetRequiredValue(_options)).Flatten();
        if (load.IsReadOnly)
        {
            options.SetDefault("read-only", "on");
        }

        string? newFile = parsed.GetValue(_create) is { } length ? NewImage.Create(options, SizeText.Parse(_create.Name, length)) : null;
        bool isOpened = false;
        try
        {
            return ToolWorld.Run(
                CompatibilityProfile.Own,
                parsed.GetValue(_virtualTime),
                warning => Complaint.Warn(_console, CalledName.Own, warning, CompatibilityProfile.Own),
                async world =>
                {
                    if (!await CreatedObjects.TryCreateAsync(world, _console, parsed.GetValue(_objects) ?? []))
                    {
                        return 0;
                    }

                    await using BlockBackend backend = await world.OpenAsync(options, new BackendOptions { ReadOnly = load.IsReadOnly });
                    if (isVerified)
                    {
                        isOpened = true;
                        await VerifyCommand.RunAsync(world, backend, load, threadCount, _console.Out, parsed.GetValue(_json));
                        return 0;
                    }

                    BenchRun run = new(backend, load, world.IsVirtualTime);
                    isOpened = true;
                    await RunAsync(world, run, load, slowNs, parsed);
                    return 0;
                });
        }
        finally
        {
            // Of a command that could not begin nothing is left.
            if (newFile is not null && !isOpened)
            {
                File.Delete(newFile);
            }
        }
    }

    private async Task RunAsync(ToolWorld world, BenchRun run, BenchLoad load, long? slowNs, ParseResult parsed)
    {
        using SlowestRequests? slowest = slowNs is { } thresholdNs ? new SlowestRequests(thresholdNs) : null;
        if (slowest is not null)
        {
            await world.Graph.TraceSlowRequestsAsync(slowest.Tracing);
        }

        await using GraphMeasurement? measurement = parsed.GetValue(_metrics) ? await world.Graph.MeasureAsync() : null;
        BenchResult result = await RunAsync(world, run, load);
        BenchMetrics? metrics = measurement is null ? null : BenchMetrics.Read(measurement, run.Root, result.ElapsedNs);
        if (parsed.GetValue(_json))
        {
            BenchReport.PrintJson(_console.Out, result, metrics, slowest);
        }
        else
        {
            BenchReport.PrintText(_console.Out, result, metrics, slowest, _console.IsOutputTerminal);
        }
    }

    private async Task<BenchResult> RunAsync(ToolWorld world, BenchRun run, BenchLoad load)
    {
        if (world.IsVirtualTime || !_console.IsErrorTerminal)
        {
            return await run.RunAsync();
        }

        BenchPulse pulse = new(run, load);
        run.Recent = pulse.Recent;
        using CancellationTokenSource over = new();
        Task progress = BenchProgress.ShowAsync(_console, world.Context, pulse, over.Token);
        try
        {
            return await run.RunAsync();
        }
        finally
        {
            await over.CancelAsync();
            await progress;
        }
    }

    // A load that is verified is one of its own.
    private int ReadThreads(ParseResult parsed, bool isVerified)
    {
        string? count = parsed.GetValue(_threads);
        if (!isVerified)
        {
            return count is null ? 0 : throw new BlockException("--threads goes with --verify only");
        }

        Option? other = new Option[] { _mix, _metrics, _traceSlow, _virtualTime }.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false });
        return other is not null ? throw new BlockException($"--verify does not go with {other.Name}")
            : count is null ? 0
            : (int)InRange(_threads, NumberText.Parse(_threads.Name, count), ThreadCountMax);
    }

    private BenchLoad ReadLoad(ParseResult parsed, bool isVerified)
    {
        string? seconds = parsed.GetValue(_seconds);
        string? count = parsed.GetValue(_count);
        int sizeBytes = (int)InRange(_size, SizeText.Parse(_size.Name, parsed.GetValue(_size)!), SizeBytesMax);
        if (isVerified && (sizeBytes < VerifyStamp.BlockBytesMin || sizeBytes % VerifyStamp.UnitBytes != 0))
        {
            throw new BlockException($"Parameter '{_size.Name}' expects a multiple of {VerifyStamp.UnitBytes} from {VerifyStamp.BlockBytesMin} on with --verify");
        }

        return new BenchLoad
        {
            DurationNs = seconds is not null ? ReadNs(_seconds, seconds, NsPerSecond) : count is null ? SecondsDefault * NsPerSecond : null,
            RequestCountMax = count is null ? null : InRange(_count, NumberText.Parse(_count.Name, count), long.MaxValue),
            Depth = (int)InRange(_depth, NumberText.Parse(_depth.Name, parsed.GetValue(_depth)!), DepthMax),
            SizeBytes = sizeBytes,
            Mix = isVerified ? BenchMix.Rw : ReadMix(parsed.GetValue(_mix)!),
            Seed = NumberText.ParseUnsigned(_seed.Name, parsed.GetValue(_seed)!),
        };
    }

    private static BenchMix ReadMix(string text)
    {
        int index = Array.IndexOf(s_mixes, text);
        return index >= 0
            ? (BenchMix)index
            : throw new BlockException($"Parameter '--mix' does not accept value '{text}' (use {string.Join(", ", s_mixes)})");
    }

    private static long ReadNs(Option<string> option, string text, long unitNs) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 0 and <= SecondsMax
            ? (long)(value * unitNs)
            : throw new BlockException($"Parameter '{option.Name}' expects a number of {(unitNs == NsPerSecond ? "seconds" : "milliseconds")} above 0 and up to {SecondsMax}");

    private static long InRange(Option<string> option, long value, long most) =>
        value >= 1 && value <= most ? value : throw new BlockException($"Parameter '{option.Name}' expects a number from 1 to {most}");
}
