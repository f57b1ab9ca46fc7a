using System.Runtime.InteropServices;

namespace BlockGraph.Tools.Dispatch.Linux;

/// <summary>Standard output or standard error of a process, written straight to the descriptor: the runtime's own stream starts its terminal with a thread and all, for a pipe as well.</summary>
/// <param name="descriptor">1 or 2.</param>
internal sealed class StandardStream(int descriptor) : Stream
{
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int BrokenPipe = 32;
    private const short WritableEvent = 4;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Writes it all. That nobody reads any more is no error, as for every console program of this runtime.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written = WriteBytes(descriptor, in MemoryMarshal.GetReference(buffer), buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case TryAgain:
                    WaitUntilWritable();
                    break;
                case BrokenPipe:
                    return;
                case int error:
                    throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is kept back.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // Whoever has given the process its output may have made it one that does not block.
    private void WaitUntilWritable()
    {
        PolledDescriptor polled = new() { Descriptor = descriptor, Events = WritableEvent };
        _ = Poll(ref polled, 1, -1);
    }

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint WriteBytes(int descriptor, in byte buffer, nint length);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PolledDescriptor descriptors, nuint count, int timeoutMs);

    private struct PolledDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
