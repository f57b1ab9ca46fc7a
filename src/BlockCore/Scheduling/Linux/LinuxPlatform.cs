namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>Linux's own calls.</summary>
internal sealed class LinuxPlatform : HostPlatform
{
    public override string Name => "linux";

    public override HostFile OpenFile(in HostFileOptions options) => LinuxFileOpener.Open(options);

    public override HostFile OpenAgain(HostFile present, in HostFileOptions options) =>
        present is LinuxHostFile { DescriptorPath: { } path } ? LinuxFileOpener.Open(options with { OpenedPath = path }) : OpenFile(options);

    public override bool CreateFile(string path, long lengthBytes) => LinuxFileOpener.Create(path, lengthBytes);

    public override bool IsBlockDevice(string path) => LinuxFileOpener.IsBlockDevice(path);

    public override string IdentifyFile(string path) => LinuxFileOpener.Identify(path) ?? ResolvePath(path);

    public override void CheckAio(HostFileAio aio)
    {
        if (aio == HostFileAio.IoUring && IoRing.Probe() is var errno and not 0)
        {
            throw LinuxErrno.ToException(errno).Prefixed("Unable to use io_uring: ");
        }
    }

    internal override LoopWaiter CreateLoopWaiter(PolledAioContext context) => new EpollLoopWaiter(context);
}
