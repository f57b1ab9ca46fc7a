using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Bench;

/// <summary>Shows a person how a load is doing, as a block of lines on the terminal of standard error that is written over and gone at the end.</summary>
internal static class BenchProgress
{
    /// <summary>How often the block is written, in nanoseconds.</summary>
    public const long IntervalNs = 250_000_000;

    private const int WidthDefault = 80;

    /// <summary>Writes the block again and again until <paramref name="stop"/> is cancelled.</summary>
    public static async Task ShowAsync(IToolConsole console, AioContext context, BenchPulse pulse, CancellationToken stop)
    {
        int height = 0;
        try
        {
            while (true)
            {
                await context.DelayAsync(IntervalNs, stop);
                string[] lines = new BenchScreen(console.ErrorWidth ?? WidthDefault, console.HasErrorColour).Draw(pulse.Take());
                console.Error.Write(Up(height) + string.Concat(lines.Select(line => line + "\x1b[K\n")));
                console.Error.Flush();
                height = lines.Length;
            }
        }
        catch (OperationCanceledException)
        {
            console.Error.Write(Up(height) + (height == 0 ? "" : "\x1b[J"));
            console.Error.Flush();
        }
    }

    private static string Up(int height) => height == 0 ? "" : $"\r\x1b[{height}A";
}
