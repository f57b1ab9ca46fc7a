using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Backend;

/// <content>Buffers that drivers are told of beforehand.</content>
public sealed partial class BlockBackend
{
    /// <summary>
    /// Tells the drivers of the tree, and those that come into it later, of memory that requests will be made from, such as a guest's: they may prepare it, once instead of for each
    /// request. A hint: requests from it that are flagged <see cref="RequestFlags.RegisteredBuffer"/> may be cheaper, and all others go on as they did. Any thread. <i>QEMU: blk_register_buf().</i>
    /// </summary>
    /// <param name="address">Where it begins. It must stay there until it is unregistered.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="BlockException">It is no range of memory, or is registered already.</exception>
    /// <exception cref="ObjectDisposedException">The backend is closed.</exception>
    public Task RegisterBufferAsync(nint address, long lengthBytes)
    {
        // An address has no sign, whatever its type says.
        if (address == 0 || lengthBytes <= 0 || (ulong)lengthBytes > ulong.MaxValue - unchecked((ulong)address))
        {
            throw new BlockException($"{lengthBytes} bytes at address {address:x} are no buffer");
        }

        return Graph.MainContext.RunAsync(() =>
        {
            ObjectDisposedException.ThrowIf(Closing is not null, this);
            return Graph.Buffers.TryAdd(this, new BufferRange(address, lengthBytes))
                ? Task.CompletedTask
                : throw new BlockException(BlockErrorKind.AlreadyExists, $"The buffer of {lengthBytes} bytes at address {address:x} is registered already");
        });
    }

    /// <summary>Undoes <see cref="RegisterBufferAsync"/>, before the memory is freed; no request from it may be in flight. The end of the backend does the same. Any thread.</summary>
    /// <exception cref="BlockException">It is not registered.</exception>
    public Task UnregisterBufferAsync(nint address, long lengthBytes) => Graph.MainContext.RunAsync(() =>
        Graph.Buffers.TryRemove(this, new BufferRange(address, lengthBytes))
            ? Task.CompletedTask
            : throw new BlockException(BlockErrorKind.NotFound, $"The buffer of {lengthBytes} bytes at address {address:x} is not registered"));
}
