using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>One request of an image that waits for its file, pooled: what was read is decrypted, or the buffer of what was written given back. It is the caller's task itself.</summary>
internal sealed class LuksRequest : AioOperation
{
    private readonly LuksRequestPool _pool;
    private readonly Action _onFileDone;
    private LuksInstance _owner = null!;
    private ValueTaskAwaiter _file;
    private long _offset;
    private IoVector _read;
    private Memory<byte> _written;

    public LuksRequest(LuksRequestPool pool, AioContext context)
        : base(context)
    {
        _pool = pool;
        _onFileDone = OnFileDone;
    }

    /// <summary>The next one in the pool.</summary>
    public LuksRequest? NextFree { get; set; }

    /// <summary>Completes when <paramref name="file"/> has, and what was read into <paramref name="buffer"/> is decrypted.</summary>
    public ValueTask ReadAsync(LuksInstance owner, in ValueTask file, long offset, IoVector buffer)
    {
        _offset = offset;
        _read = buffer;
        return AwaitAsync(owner, file);
    }

    /// <summary>Completes when <paramref name="file"/> has, and <paramref name="rented"/> is given back.</summary>
    public ValueTask WriteAsync(LuksInstance owner, in ValueTask file, Memory<byte> rented)
    {
        _written = rented;
        return AwaitAsync(owner, file);
    }

    /// <inheritdoc/>
    protected override void Run() => throw new InvariantViolationException("a request of an encrypted image is completed by its file");

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _read = default;
        _written = default;
        _pool.Return(this);
    }

    private ValueTask AwaitAsync(LuksInstance owner, in ValueTask file)
    {
        _owner = owner;
        _file = file.GetAwaiter();
        ValueTask own = Task;
        _file.UnsafeOnCompleted(_onFileDone);
        return own;
    }

    private void OnFileDone()
    {
        Exception? error = null;
        try
        {
            _file.GetResult();
            if (_read.Length > 0)
            {
                _owner.Decrypt(_offset, _read);
            }
        }
        catch (Exception failure)
        {
            // Whatever the file failed with is the awaiter's.
            error = failure;
        }

        _file = default;
        if (_written.Length > 0)
        {
            _owner.GiveBack(_written);
        }

        if (error is null)
        {
            Complete();
        }
        else
        {
            Fail(error);
        }
    }
}
