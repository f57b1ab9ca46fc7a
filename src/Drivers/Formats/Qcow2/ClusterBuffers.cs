using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Buffers of a cluster's length that are kept for whoever needs one next; all together are no longer than they may be, and who finds none free waits. At the node's
/// home. Who holds one waits for no other of the same kind.
/// </summary>
internal sealed class ClusterBuffers(int clusterBytes, int bytesMax)
{
    private readonly Stack<Memory<byte>> _free = new();
    private readonly CoQueue _waiters = new();
    private int _count;

    /// <summary>A buffer with anything in it.</summary>
    /// <param name="alignmentBytes">What its address is a multiple of, where it is a new one.</param>
    public ValueTask<Memory<byte>> RentAsync(int alignmentBytes = 1) =>
        _free.TryPop(out Memory<byte> buffer) ? new(buffer) : _count == 0 || (_count + 1L) * clusterBytes <= bytesMax ? new(Add(alignmentBytes)) : WaitAsync();

    /// <summary>Somebody else may have it.</summary>
    public void Return(Memory<byte> buffer)
    {
        _free.Push(buffer);
        _waiters.WakeNext();
    }

    private Memory<byte> Add(int alignmentBytes)
    {
        _count++;
        return AlignedBuffer.Allocate(clusterBytes, alignmentBytes);
    }

    private async ValueTask<Memory<byte>> WaitAsync()
    {
        Memory<byte> buffer;
        do
        {
            await _waiters.WaitAsync();
        }
        while (!_free.TryPop(out buffer));

        return buffer;
    }
}
