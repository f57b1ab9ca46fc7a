using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <content>Copies from file to file, which the system makes.</content>
internal sealed partial class HostFileInstance
{
    /// <inheritdoc/>
    protected override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        target.Child.TryCopyToAsync(new CopySource(Node, offset), target.Offset, length, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        source.Node.Instance is HostFileInstance from ? CopyAsync(from, source.Offset, offset, length) : new(false);

    private async ValueTask<bool> CopyAsync(HostFileInstance from, long sourceOffset, long offset, long length)
    {
        FileHandle source = from.BeginHandle();
        try
        {
            return await OnWorkerAsync(file => file.TryCopyRange(source.File, sourceOffset, offset, length));
        }
        finally
        {
            source.End();
        }
    }
}
