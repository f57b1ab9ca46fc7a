using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Tests.Qcow2.Check;

/// <summary>What a check has said.</summary>
internal sealed class FindingTexts : IProgress<ImageFinding>
{
    public List<string> Texts { get; } = [];

    public void Report(ImageFinding value) => Texts.Add(value.Text);
}
