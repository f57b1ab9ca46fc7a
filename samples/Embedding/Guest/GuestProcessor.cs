using System.Collections.Concurrent;

namespace BlockGraph.Samples.Embedding.Guest;

/// <summary>A virtual processor: a thread that runs the guest's programs, one after the other, and stands still while the machine is stopped.</summary>
public sealed class GuestProcessor : IDisposable
{
    private readonly BlockingCollection<(Action Program, TaskCompletionSource Done)> _programs = [];
    private readonly ManualResetEventSlim _isRunning = new(initialState: true);
    private readonly Thread _thread;

    /// <summary>Starts the processor.</summary>
    public GuestProcessor()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "processor" };
        _thread.Start();
    }

    /// <summary>Runs a program of the guest; the task completes when the program ends.</summary>
    public Task RunAsync(Action program)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _programs.Add((program, done));
        return done.Task;
    }

    /// <summary>Where a program may be stopped: before it touches a register, and after an interrupt.</summary>
    public void Step() => _isRunning.Wait();

    /// <summary>The guest stands still from its next step on.</summary>
    public void Pause() => _isRunning.Reset();

    /// <summary>The guest goes on.</summary>
    public void Continue() => _isRunning.Set();

    /// <inheritdoc/>
    public void Dispose()
    {
        _programs.CompleteAdding();
        _thread.Join();
        _programs.Dispose();
        _isRunning.Dispose();
    }

    private void Run()
    {
        foreach ((Action program, TaskCompletionSource done) in _programs.GetConsumingEnumerable())
        {
            try
            {
                program();
                done.SetResult();
            }
            catch (InvalidOperationException failure)
            {
                done.SetException(failure);
            }
        }
    }
}
