using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Bench;

/// <summary>What <c>bench --verify</c> does with an open graph.</summary>
internal static class VerifyCommand
{
    /// <summary>Drives <paramref name="load"/> from so many threads, or from the command's own loop, and prints what it has done.</summary>
    /// <exception cref="BlockCore.Errors.BlockException">Something else was read than was written, or a request failed.</exception>
    public static async Task RunAsync(ToolWorld world, BlockBackend backend, BenchLoad load, int threadCount, TextWriter output, bool isJson)
    {
        List<IoThread> threads = [];
        try
        {
            for (int i = 0; i < threadCount; i++)
            {
                threads.Add(new IoThread($"verify{i}"));
                await backend.AddSubmitterAsync(threads[i].Context);
            }

            VerifyResult result = await new VerifyRun(backend, load, threadCount == 0 ? [world.Context] : [.. threads.Select(thread => thread.Context)]).RunAsync();
            if (isJson)
            {
                result.PrintJson(output);
            }
            else
            {
                result.PrintText(output);
            }
        }
        finally
        {
            foreach (IoThread thread in threads)
            {
                await backend.RemoveSubmitterAsync(thread.Context);
                thread.Dispose();
            }
        }
    }
}
