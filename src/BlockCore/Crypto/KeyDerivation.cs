namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// A key that is being derived from a passphrase (PBKDF2 with HMAC, RFC 8018 section 5.2), as many iterations at a time as its owner likes: so it can be
/// given up in the middle, which the platform's own cannot. It is compiled at full speed at once: how many iterations a second there are decides how many a new
/// key slot gets. Dispose wipes what it holds. One thread at a time.
/// </summary>
internal abstract class KeyDerivation : IDisposable
{
    /// <summary>How many iterations have been done.</summary>
    public long IterationCount { get; protected set; }

    /// <summary>Does <paramref name="iterationCount"/> more iterations.</summary>
    public abstract void Run(int iterationCount);

    /// <summary>The key after the iterations that have been done, one at least.</summary>
    public abstract void CopyKeyTo(Span<byte> key);

    /// <inheritdoc/>
    public abstract void Dispose();
}
