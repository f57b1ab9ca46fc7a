using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// PBKDF2 by <see cref="HashLanes{TWord}"/>: each lane makes one block of the key. The two states of the HMAC behind the passphrase are computed once; an
/// iteration is two compressions. The platform's library takes five times as long for the same key.
/// </summary>
/// <remarks>The working state stands in one pinned array, so that the collector leaves no copies of it behind.</remarks>
internal sealed class LaneDerivation<TWord> : KeyDerivation
    where TWord : unmanaged, IBinaryInteger<TWord>
{
    private const byte InnerPad = 0x36;
    private const byte OuterPad = 0x5C;
    private const byte EndOfMessage = 0x80;

    private readonly HashLanes<TWord> _lanes;
    private readonly KeyHash _hash;
    private readonly int _wordBytes = Marshal.SizeOf<TWord>();
    private readonly Vector128<TWord>[] _state;
    private readonly TWord _messageBits;

    public LaneDerivation(HashLanes<TWord> lanes, KeyHash hash, ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, int keyBytes)
    {
        Invariant.Check(keyBytes > 0 && keyBytes <= hash.DigestBytes * HashLanes<TWord>.LaneCount);
        _lanes = lanes;
        _hash = hash;
        _messageBits = TWord.CreateChecked((hash.BlockBytes + hash.DigestBytes) * 8);
        _state = GC.AllocateArray<Vector128<TWord>>(HashLanes<TWord>.BlockWords + (5 * lanes.DigestWords), pinned: true);
        StartHmac(passphrase);
        StartBlocks(passphrase, salt);
    }

    private Span<Vector128<TWord>> Block => _state.AsSpan(0, HashLanes<TWord>.BlockWords);

    private Span<Vector128<TWord>> Inner => Part(0);

    private Span<Vector128<TWord>> Outer => Part(1);

    private Span<Vector128<TWord>> Last => Part(2);

    private Span<Vector128<TWord>> Sum => Part(3);

    private Span<Vector128<TWord>> Scratch => Part(4);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(int iterationCount)
    {
        int digestWords = _lanes.DigestWords;
        Span<Vector128<TWord>> block = Block;
        Span<Vector128<TWord>> inner = Inner;
        Span<Vector128<TWord>> outer = Outer;
        Span<Vector128<TWord>> last = Last;
        Span<Vector128<TWord>> sum = Sum;
        Span<Vector128<TWord>> scratch = Scratch;
        for (int i = 0; i < iterationCount; i++, IterationCount++)
        {
            // The first of all has been computed at the beginning.
            if (IterationCount > 0)
            {
                last.CopyTo(block);
                Pad(block);
                inner.CopyTo(scratch);
                _lanes.Add(scratch, block);
                scratch.CopyTo(block);
                Pad(block);
                outer.CopyTo(last);
                _lanes.Add(last, block);
            }

            for (int word = 0; word < digestWords; word++)
            {
                sum[word] ^= last[word];
            }
        }
    }

    /// <inheritdoc/>
    public override void CopyKeyTo(Span<byte> key)
    {
        Invariant.Check(IterationCount > 0);
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        for (int i = 0; i < key.Length; i++)
        {
            int inBlock = i % _hash.DigestBytes;
            Sum[inBlock / _wordBytes].GetElement(i / _hash.DigestBytes).WriteBigEndian(word);
            key[i] = word[inBlock % _wordBytes];
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_state.AsSpan()));

    private Span<Vector128<TWord>> Part(int index) => _state.AsSpan(HashLanes<TWord>.BlockWords + (index * _lanes.DigestWords), _lanes.DigestWords);

    // What follows the digest in the one block that the HMAC hashes behind its key.
    private void Pad(Span<Vector128<TWord>> block)
    {
        int digestWords = _lanes.DigestWords;
        block[digestWords] = Vector128.Create(TWord.CreateChecked(EndOfMessage) << ((_wordBytes - 1) * 8));
        block[(digestWords + 1)..^1].Clear();
        block[^1] = Vector128.Create(_messageBits);
    }

    private void StartHmac(ReadOnlySpan<byte> passphrase)
    {
        Span<byte> key = stackalloc byte[_hash.BlockBytes];
        key.Clear();
        if (passphrase.Length > key.Length)
        {
            _hash.HashData(passphrase, key);
        }
        else
        {
            passphrase.CopyTo(key);
        }

        StartHmac(key, InnerPad, Inner);
        StartHmac(key, OuterPad, Outer);
        CryptographicOperations.ZeroMemory(key);
    }

    private void StartHmac(ReadOnlySpan<byte> key, byte pad, Span<Vector128<TWord>> state)
    {
        TWord padWord = TWord.Zero;
        for (int i = 0; i < _wordBytes; i++)
        {
            padWord = (padWord << 8) | TWord.CreateChecked(pad);
        }

        for (int word = 0; word < HashLanes<TWord>.BlockWords; word++)
        {
            Block[word] = Vector128.Create(TWord.ReadBigEndian(key.Slice(word * _wordBytes, _wordBytes), isUnsigned: true) ^ padWord);
        }

        _lanes.Start(state);
        _lanes.Add(state, Block);
    }

    // The first iteration hashes the salt and the block's number, which are as long as they are: the platform's HMAC does that.
    private void StartBlocks(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        Span<byte> digest = stackalloc byte[_hash.DigestBytes];
        using IncrementalHash hmac = IncrementalHash.CreateHMAC(_hash.Algorithm, passphrase);
        for (int lane = 0; lane < HashLanes<TWord>.LaneCount; lane++)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, lane + 1);
            hmac.AppendData(salt);
            hmac.AppendData(number);
            hmac.GetHashAndReset(digest);
            for (int word = 0; word < _lanes.DigestWords; word++)
            {
                Last[word] = Last[word].WithElement(lane, TWord.ReadBigEndian(digest.Slice(word * _wordBytes, _wordBytes), isUnsigned: true));
            }
        }

        CryptographicOperations.ZeroMemory(digest);
    }
}
