using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>Lets a person end a long command: an interrupt cancels it, so that it closes its images.</summary>
internal sealed class ImgInterrupt : IDisposable
{
    /// <summary>What a shell tells of a program that an interrupt has ended.</summary>
    public const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly IDisposable _hearing;

    private ImgInterrupt(IToolConsole console) => _hearing = console.HearInterrupts(_source.Cancel);

    /// <summary>Runs <paramref name="body"/>, and returns its exit code, or that of an interrupted program when it has ended early.</summary>
    public static async Task<int> RunAsync(IToolConsole console, string program, Func<CancellationToken, Task<int>> body)
    {
        using ImgInterrupt interrupt = new(console);
        try
        {
            return await body(interrupt._source.Token);
        }
        catch (OperationCanceledException cancelled) when (interrupt._source.IsCancellationRequested)
        {
            // A program that an interrupt ends says nothing.
            if (program == CalledName.Own)
            {
                Complaint.Print(console, program, new BlockException("interrupted") { Hint = (cancelled as IncompleteTargetException)?.Message }, CompatibilityProfile.Own);
            }

            return ExitCode;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hearing.Dispose();
        _source.Dispose();
    }
}
