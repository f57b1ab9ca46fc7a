using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>The state of a virtual machine: it lies behind the disk, from the first L1 entry on that stands for nothing of it.</content>
internal sealed partial class Qcow2Instance
{
    private long VmStateOffset => _geometry.L1EntryCount(LengthBytes) * _geometry.L1SpanBytes;

    /// <inheritdoc/>
    protected override async ValueTask ReadVmStateAsync(long offset, IoVector buffer, CancellationToken cancel) => await ReadPiecesAsync(VmStateOffset + offset, buffer, cancel);

    /// <inheritdoc/>
    protected override async ValueTask WriteVmStateAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        await metadata.BeginChangeAsync();
        await _lengthChange.EnterAsync();
        try
        {
            await metadata.Map.GrowTopAsync(_geometry.L1EntryCount(VmStateOffset + offset + buffer.Length));
        }
        finally
        {
            _lengthChange.Exit();
        }

        await WriteRangeAsync(VmStateOffset + offset, buffer, CancellationToken.None);
    }
}
