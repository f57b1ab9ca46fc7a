namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Linux's own calls.</summary>
internal sealed class LinuxPlatform : HostPlatform
{
    public override string Name => "linux";

    internal override LoopWaiter CreateLoopWaiter() => new EpollLoopWaiter();
}
