namespace BlockGraph.Drivers.Tests.Qcow2.Amending;

/// <summary>Keeps each step of a progress, in order.</summary>
internal sealed class Steps(List<double> steps) : IProgress<double>
{
    public void Report(double value) => steps.Add(value);
}
