namespace BlockGraph.Samples.Embedding.Device;

/// <summary>The wire from a device to the processor: raised by the one, lowered by the other.</summary>
public sealed class InterruptLine : IDisposable
{
    private readonly ManualResetEventSlim _isRaised = new();

    /// <summary>The device wants something. Any thread.</summary>
    public void Raise() => _isRaised.Set();

    /// <summary>The processor sleeps until the line is raised, and lowers it: what happens from now on raises it again.</summary>
    public void WaitAndLower()
    {
        _isRaised.Wait();
        _isRaised.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => _isRaised.Dispose();
}
