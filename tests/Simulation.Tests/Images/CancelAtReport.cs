using BlockGraph.BlockCore.Images;

namespace BlockGraph.Simulation.Tests.Images;

/// <summary>Cancels a work at the n-th report of how far it is; at none where that is 0.</summary>
internal sealed class CancelAtReport(int n) : IProgress<ImageProgress>
{
    private readonly CancellationTokenSource _source = new();
    private int _count;

    /// <summary>What is cancelled.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Report(ImageProgress value)
    {
        if (++_count == n)
        {
            _source.Cancel();
        }
    }
}
