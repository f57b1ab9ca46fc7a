namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>Only what .NET has on every system.</summary>
internal sealed class PortablePlatform : HostPlatform
{
    public override string Name => "portable";

    public override HostFile OpenFile(in HostFileOptions options) => PortableFileOpener.Open(options);

    public override bool CreateFile(string path, long lengthBytes) => PortableFileOpener.Create(path, lengthBytes);

    internal override LoopWaiter CreateLoopWaiter(PolledAioContext context) => new SignalLoopWaiter();
}
