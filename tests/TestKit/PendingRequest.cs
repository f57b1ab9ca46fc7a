using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>One request of a <see cref="ScriptedNode"/>: complete it, or fail it, from its context. Used once.</summary>
public sealed class PendingRequest : AioOperation
{
    private Exception? _error;

    internal PendingRequest(AioContext context, ScriptedNode node, RequestKind kind, long offset, long lengthBytes, IoVector buffer, RequestFlags flags)
        : base(context)
    {
        Node = node;
        Kind = kind;
        Offset = offset;
        LengthBytes = lengthBytes;
        Buffer = buffer;
        Flags = flags;
    }

    /// <summary>The node that it came to.</summary>
    public ScriptedNode Node { get; }

    /// <summary>What it does.</summary>
    public RequestKind Kind { get; }

    /// <summary>Where, in bytes; 0 for a flush.</summary>
    public long Offset { get; }

    /// <summary>How much, in bytes; 0 for a flush.</summary>
    public long LengthBytes { get; }

    /// <summary>The caller's memory of a read or write: a test that plays the storage fills it before it completes a read.</summary>
    public IoVector Buffer { get; }

    /// <summary>How the caller wants it carried out.</summary>
    public RequestFlags Flags { get; }

    /// <summary>Completes it on the next step of its context.</summary>
    public void Succeed() => End(null);

    /// <summary>Fails it on the next step of its context.</summary>
    public void FailWith(BlockErrorKind error) => End(new BlockException(error, error.ToErrnoText()));

    /// <summary>Fails it at once; from the loop's own frame.</summary>
    public void FailNow(Exception error)
    {
        Node.Remove(this);
        Fail(error);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind} {Offset}+{LengthBytes} at '{Node.Name}'";

    /// <inheritdoc/>
    protected override void Run()
    {
        if (_error is null)
        {
            Complete();
        }
        else
        {
            Fail(_error);
        }
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        // Used once.
    }

    private void End(Exception? error)
    {
        _error = error;
        Node.Remove(this);
        Context.Send(this);
    }
}
