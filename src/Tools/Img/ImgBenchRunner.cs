using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>Runs <c>img bench</c>: opens the image, drives the load, and says how long it took.</summary>
/// <param name="Call">The call.</param>
/// <param name="Image">What to open.</param>
/// <param name="Load">What to do with it.</param>
internal sealed record ImgBenchRunner(ImgCall Call, ImageArgument Image, ImgBenchLoad Load)
{
    /// <summary>Runs everything and returns the exit code.</summary>
    /// <exception cref="BlockException">The image cannot be opened, or a request has failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the image is closed.</exception>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        BlockBackend backend = await Image.OpenAsync(Call.World, Call.Name, Call.Warn, cancel);
        try
        {
            await DriveAsync(Call.World, Call.Out, backend, cancel);
        }
        catch (Exception error) when (error is BlockException or OperationCanceledException)
        {
            // What has failed first is told: closing fails for the same reason, perhaps.
            await TryCloseAsync(backend);
            throw;
        }

        return await TryCloseAsync(backend) is { } failure ? throw failure.Prefixed("Failed flush request: ") : 0;
    }

    private async Task DriveAsync(ToolWorld world, TextWriter output, BlockBackend backend, CancellationToken cancel)
    {
        ImgBenchRun run = new(backend, Load, Call.Name, cancel);
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
}
