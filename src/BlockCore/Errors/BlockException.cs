namespace BlockGraph.BlockCore.Errors;

/// <summary>
/// A failure of the world: bad input, a full disk, a conflict, a corrupt image. The message names the node, the option
/// or the field; the operation that threw it left everything as it was. <i>QEMU: Error and -errno.</i>
/// </summary>
public sealed class BlockException : Exception
{
    /// <summary>Makes a failure of <paramref name="kind"/> that says <paramref name="message"/>.</summary>
    public BlockException(BlockErrorKind kind, string message)
        : base(message) => Kind = kind;

    /// <summary>Makes a failure of <paramref name="kind"/> that says <paramref name="message"/> and was caused by <paramref name="inner"/>.</summary>
    public BlockException(BlockErrorKind kind, string message, Exception? inner)
        : base(message, inner) => Kind = kind;

    /// <summary>Makes a failure of kind <see cref="BlockErrorKind.InvalidArgument"/>.</summary>
    public BlockException(string message)
        : this(BlockErrorKind.InvalidArgument, message)
    {
    }

    /// <summary>Makes a failure with no words of its own.</summary>
    public BlockException()
        : this(BlockErrorKind.InvalidArgument.ToErrnoText())
    {
    }

    /// <summary>Makes a failure of kind <see cref="BlockErrorKind.InvalidArgument"/> that was caused by <paramref name="innerException"/>.</summary>
    public BlockException(string message, Exception innerException)
        : this(BlockErrorKind.InvalidArgument, message, innerException)
    {
    }

    /// <summary>What a caller may switch on.</summary>
    public BlockErrorKind Kind { get; }

    /// <summary>A second line of advice for a person, such as who may hold the lock; null where there is none.</summary>
    public string? Hint { get; init; }

    /// <summary>The same failure with <paramref name="context"/> in front of its message; kind and hint stay.</summary>
    public BlockException Prefixed(string context) => new(Kind, context + Message, this) { Hint = Hint };
}
