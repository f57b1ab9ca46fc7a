using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>Runs <c>img bench</c>: opens the image, drives the load, and says how long it took.</summary>
/// <param name="Name">What depends on the name that the program was called by.</param>
/// <param name="Image">What to open.</param>
/// <param name="Load">What to do with it.</param>
internal sealed record ImgBenchRunner(ImgName Name, ImageArgument Image, ImgBenchLoad Load)
{
    /// <summary>The objects to create before the image is opened.</summary>
    public IReadOnlyList<string> Objects { get; init; } = [];

    /// <summary>Whether time is simulated.</summary>
    public bool IsVirtualTime { get; init; }

    /// <summary>Runs everything and returns the exit code.</summary>
    /// <exception cref="BlockException">The image cannot be opened, or a request has failed.</exception>
    public int Run(IToolConsole console) =>
        ToolWorld.Run(Name.Profile, IsVirtualTime, warning => console.Error.WriteLine(Name.WarningPrefix + warning), world => RunAsync(world, console));

    private async Task<int> RunAsync(ToolWorld world, IToolConsole console)
    {
        if (!await CreatedObjects.TryCreateAsync(world, console, Objects))
        {
            return 0;
        }

        BlockBackend backend = await Image.OpenAsync(world, Name, warning => Warn(console, warning));
        try
        {
            await DriveAsync(world, console.Out, backend);
        }
        catch (BlockException)
        {
            // What has failed first is told: closing fails for the same reason, perhaps.
            await TryCloseAsync(backend);
            throw;
        }

        return await TryCloseAsync(backend) is { } failure ? throw failure.Prefixed("Failed flush request: ") : 0;
    }

    private async Task DriveAsync(ToolWorld world, TextWriter output, BlockBackend backend)
    {
        ImgBenchRun run = new(backend, Load, Name);
        PrintStart(output);

        // The loop's clock stands still within a turn: both instants are those of a turn that has just begun.
        await world.Context.YieldAsync();
        long startStamp = world.Context.TimeProvider.GetTimestamp();
        await run.RunAsync();
        await world.Context.YieldAsync();
        double seconds = world.Context.TimeProvider.GetElapsedTime(startStamp).TotalSeconds;
        output.WriteLine($"Run completed in {seconds.ToString("F3", CultureInfo.InvariantCulture)} seconds.");
        await run.FinishFlushesAsync();
    }

    private static async Task<BlockException?> TryCloseAsync(BlockBackend backend)
    {
        try
        {
            await backend.DisposeAsync();
            return null;
        }
        catch (BlockException failure)
        {
            return failure;
        }
    }

    private void PrintStart(TextWriter output)
    {
        string kind = Load.IsWrite ? "write" : "read";
        output.WriteLine(
            $"Sending {Load.RequestCount} {kind} requests, {Load.SizeBytes} bytes each, {Load.Depth} in parallel (starting at offset {Load.OffsetBytes}, step size {Load.EffectiveStepBytes})");
        if (Load.FlushInterval > 0)
        {
            output.WriteLine($"Sending flush every {Load.FlushInterval} requests");
        }
    }

    private void Warn(IToolConsole console, OptionWarning warning)
    {
        Complaint.Warn(console, Name.Program, warning.Message);
        console.Error.WriteLine(warning.Hint);
    }
}
