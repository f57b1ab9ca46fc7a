namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Linux's own calls.</summary>
internal sealed class LinuxPlatform : HostPlatform
{
    public override string Name => "linux";

    public override HostFile OpenFile(in HostFileOptions options) => LinuxFileOpener.Open(options);

    public override void CreateFile(string path, long lengthBytes) => LinuxFileOpener.Create(path, lengthBytes);

    internal override LoopWaiter CreateLoopWaiter() => new EpollLoopWaiter();
}
