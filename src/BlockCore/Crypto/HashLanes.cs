using System.Runtime.Intrinsics;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// The compression function of a hash over several messages at once, one in each lane of a vector: what an HMAC of a fixed length is made of. It has
/// no state, and takes the same time whatever the messages are.
/// </summary>
/// <typeparam name="TWord">The hash's word.</typeparam>
internal abstract class HashLanes<TWord>
    where TWord : unmanaged
{
    /// <summary>How many words a message's block has, in every hash of the family.</summary>
    public const int BlockWords = 16;

    /// <summary>How many messages are worked on at once.</summary>
    public static int LaneCount => Vector128<TWord>.Count;

    /// <summary>How many words the hash's result and state have.</summary>
    public abstract int DigestWords { get; }

    /// <summary>The state before the first block.</summary>
    protected abstract ReadOnlySpan<TWord> Initial { get; }

    /// <summary>Brings the state to the beginning.</summary>
    public void Start(Span<Vector128<TWord>> state)
    {
        for (int i = 0; i < DigestWords; i++)
        {
            state[i] = Vector128.Create(Initial[i]);
        }
    }

    /// <summary>Takes one block into <paramref name="state"/>. What was in <paramref name="block"/> is gone.</summary>
    public void Add(Span<Vector128<TWord>> state, Span<Vector128<TWord>> block) => Compress(state[..DigestWords], block[..BlockWords]);

    /// <summary>The compression function.</summary>
    protected abstract void Compress(Span<Vector128<TWord>> state, Span<Vector128<TWord>> block);
}
