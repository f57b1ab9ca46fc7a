using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Backend;

/// <summary>A backend as a <see cref="Stream"/>: seekable, unbuffered, of the image's length.</summary>
/// <remarks>
/// <para>Like any stream it belongs to one user at a time; several streams over one backend are fine. The asynchronous methods may be called from any
/// thread, the others from any that runs no context (see <see cref="BlockingRequests"/>).</para>
/// <para>A failure is an <see cref="IOException"/> around the <see cref="BlockException"/> that says more. Reading ends at the image's end. Writing does not move the
/// end: what reaches beyond it is refused as a whole, and <see cref="SetLength"/> makes room. <see cref="Flush"/> makes everything written durable.</para>
/// </remarks>
public sealed class BlockBackendStream : Stream
{
    private readonly BlockBackend _backend;
    private readonly bool _leaveOpen;
    private long _position;
    private bool _isDisposed;

    /// <summary>A stream over <paramref name="backend"/>, at its beginning.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="leaveOpen">True where the backend outlives the stream; otherwise it is closed with it, and flushed before.</param>
    public BlockBackendStream(BlockBackend backend, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _backend = backend;
        _leaveOpen = leaveOpen;
    }

    /// <inheritdoc/>
    public override bool CanRead => !_isDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => !_isDisposed;

    /// <summary>True where the backend may write.</summary>
    public override bool CanWrite => !_isDisposed && !_backend.IsReadOnly;

    /// <summary>The image's length in bytes.</summary>
    /// <exception cref="IOException">There is no medium.</exception>
    public override long Length
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _backend.HasReachableMedium ? _backend.LengthBytes : throw Wrap(_backend.NoMedium());
        }
    }

    /// <summary>Where the next read or write begins, in bytes; it may lie beyond the end.</summary>
    public override long Position
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _position;
        }

        set
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        long start = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => Length,
            _ => throw new ArgumentException("there is no such origin", nameof(origin)),
        };
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, long.MaxValue - start);
        return start + offset >= 0 ? _position = start + offset : throw new IOException($"Position {start + offset} lies before the beginning");
    }

    /// <summary>Gives the image another length, where that is possible; the position stays inside.</summary>
    public override void SetLength(long value)
    {
        ThrowIfNotWritable();
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        Run(blocking => blocking.Truncate(value));
        _position = Math.Min(_position, value);
    }

    /// <summary>Makes everything written durable.</summary>
    public override void Flush()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Run(static blocking => blocking.Flush());
    }

    /// <inheritdoc cref="Flush"/>
    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        try
        {
            await _backend.FlushAsync(cancellationToken);
        }
        catch (BlockException error)
        {
            throw Wrap(error);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        Span<byte> inside = buffer[..CountInside(buffer.Length)];
        if (inside.Length > 0)
        {
            try
            {
                _backend.Blocking.Read(_position, inside);
            }
            catch (BlockException error)
            {
                throw Wrap(error);
            }

            _position += inside.Length;
        }

        return inside.Length;
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        byte single = 0;
        return Read(new Span<byte>(ref single)) == 0 ? -1 : single;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Memory<byte> inside = buffer[..CountInside(buffer.Length)];
        if (inside.Length > 0)
        {
            try
            {
                await _backend.ReadAsync(_position, inside, RequestFlags.None, cancellationToken);
            }
            catch (BlockException error)
            {
                throw Wrap(error);
            }

            _position += inside.Length;
        }

        return inside.Length;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfNotWritable();
        try
        {
            _backend.Blocking.Write(_position, buffer);
        }
        catch (BlockException error)
        {
            throw Wrap(error);
        }

        _position += buffer.Length;
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write(new ReadOnlySpan<byte>(in value));

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfNotWritable();
        try
        {
            // A write only reads its buffer.
            await _backend.WriteAsync(_position, MemoryMarshal.AsMemory(buffer), RequestFlags.None, cancellationToken);
        }
        catch (BlockException error)
        {
            throw Wrap(error);
        }

        _position += buffer.Length;
    }

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    /// <inheritdoc/>
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    /// <summary>Ends the stream, and closes the backend unless that is to stay open. On a thread that runs a context, dispose of it asynchronously.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            if (!_leaveOpen)
            {
                try
                {
                    await _backend.DisposeAsync();
                }
                catch (BlockException error)
                {
                    throw Wrap(error);
                }
            }
        }

        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            if (!_leaveOpen)
            {
                Run(static blocking => blocking.Close());
            }

            _isDisposed = true;
        }

        base.Dispose(disposing);
    }

    private static IOException Wrap(BlockException error) => new(error.Message, error);

    private void Run(Action<BlockingRequests> call)
    {
        try
        {
            call(_backend.Blocking);
        }
        catch (BlockException error)
        {
            throw Wrap(error);
        }
    }

    private int CountInside(int count) => (int)Math.Clamp(Length - _position, 0, count);

    private void ThrowIfNotWritable()
    {
        // Without a medium nothing may be written either, but that is not the reason.
        if (Length >= 0 && !CanWrite)
        {
            throw new NotSupportedException("The backend is read-only");
        }
    }
}
