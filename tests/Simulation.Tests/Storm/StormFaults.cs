using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// The faults of a storm. Fault model: any step of a change may fail, once, and a change may be cancelled at any step; storage fails requests
/// of one kind for a while, or runs full. It never returns wrong data. Main context, but for what storage asks.
/// </summary>
internal sealed class StormFaults
{
    private const string Text = "a fault of the storm";
    private int _stepsToFailure;
    private int _stepsToCancelling;
    private CancellationTokenSource? _toCancel;

    /// <summary>How many faults took effect.</summary>
    public int Count { get; private set; }

    /// <summary>True where <paramref name="error"/> is one of these faults.</summary>
    public static bool IsOurs(BlockException error) => error.Message.Contains(Text, StringComparison.Ordinal);

    /// <summary>The <paramref name="steps"/>-th step of any change from now on fails.</summary>
    public void FailStep(int steps) => _stepsToFailure = steps;

    /// <summary>At the <paramref name="steps"/>-th step of any change from now on <paramref name="source"/> is cancelled.</summary>
    public void CancelAtStep(int steps, CancellationTokenSource source)
    {
        _stepsToCancelling = steps;
        _toCancel = source;
    }

    /// <summary>No further step fails.</summary>
    public void Stop()
    {
        _stepsToFailure = 0;
        _stepsToCancelling = 0;
    }

    /// <summary>A change has come to a step.</summary>
    public void OnStep()
    {
        if (_stepsToCancelling > 0 && --_stepsToCancelling == 0)
        {
            Count++;
            try
            {
                _toCancel!.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // Its change is over already.
            }
        }

        if (_stepsToFailure > 0 && --_stepsToFailure == 0)
        {
            Count++;
            throw new BlockException(BlockErrorKind.InputOutput, Text);
        }
    }
}
