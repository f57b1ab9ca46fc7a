using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>AES by the platform's library. Its transforms serve one thread at a time and take arrays only: those not in use are kept, with an array each.</summary>
internal sealed class PlatformAesBlocks : AesBlocks
{
    private const int KeptMax = 16;
    private const int ArrayBytes = BatchBlocks * BlockBytes;

    private readonly Aes _aes = Aes.Create();
    private readonly Lane?[] _encryptors = new Lane?[KeptMax];
    private readonly Lane?[] _decryptors = new Lane?[KeptMax];

    public PlatformAesBlocks(ReadOnlySpan<byte> key)
    {
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _aes.SetKey(key);
    }

    /// <inheritdoc/>
    public override void Encrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Lane lane = TryTake(_encryptors) ?? new Lane(_aes.CreateEncryptor());
        lane.Run(source, destination);
        Keep(_encryptors, lane);
    }

    /// <inheritdoc/>
    public override void Decrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Lane lane = TryTake(_decryptors) ?? new Lane(_aes.CreateDecryptor());
        lane.Run(source, destination);
        Keep(_decryptors, lane);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        while ((TryTake(_encryptors) ?? TryTake(_decryptors)) is { } lane)
        {
            lane.Dispose();
        }

        _aes.Dispose();
    }

    private static Lane? TryTake(Lane?[] lanes)
    {
        for (int i = 0; i < lanes.Length; i++)
        {
            if (Volatile.Read(ref lanes[i]) is not null && Interlocked.Exchange(ref lanes[i], null) is { } lane)
            {
                return lane;
            }
        }

        return null;
    }

    private static void Keep(Lane?[] lanes, Lane lane)
    {
        for (int i = 0; i < lanes.Length; i++)
        {
            if (Volatile.Read(ref lanes[i]) is null && Interlocked.CompareExchange(ref lanes[i], lane, null) is null)
            {
                return;
            }
        }

        lane.Dispose();
    }

    private sealed class Lane(ICryptoTransform transform) : IDisposable
    {
        private readonly byte[] _array = GC.AllocateArray<byte>(ArrayBytes, pinned: true);

        public void Run(ReadOnlySpan<byte> source, Span<byte> destination)
        {
            Invariant.Check(source.Length % BlockBytes == 0 && destination.Length == source.Length);
            for (int done = 0; done < source.Length; done += ArrayBytes)
            {
                int length = Math.Min(ArrayBytes, source.Length - done);
                source.Slice(done, length).CopyTo(_array);
                Invariant.Check(transform.TransformBlock(_array, 0, length, _array, 0) == length);
                _array.AsSpan(0, length).CopyTo(destination[done..]);
            }

            // What was encrypted is the guest's, and no longer needed here.
            CryptographicOperations.ZeroMemory(_array.AsSpan(0, Math.Min(source.Length, ArrayBytes)));
        }

        public void Dispose() => transform.Dispose();
    }
}
