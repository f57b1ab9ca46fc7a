namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>Only what .NET has on every system.</summary>
internal sealed class PortablePlatform : HostPlatform
{
    public override string Name => "portable";

    internal override LoopWaiter CreateLoopWaiter() => new SignalLoopWaiter();
}
