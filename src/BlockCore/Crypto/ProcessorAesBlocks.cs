using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;
using AesUnit = System.Runtime.Intrinsics.X86.Aes;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>
/// AES by the processor's instructions, eight blocks at a time. One call of the platform's library costs more than the sector that it is to
/// encrypt: it sets the key up anew, and allocates. The instructions take the same time whatever the key and the data are.
/// </summary>
/// <remarks>FIPS 197. The keys of the rounds stand in pinned memory, so that the collector leaves no copies of them behind.</remarks>
internal sealed class ProcessorAesBlocks : AesBlocks
{
    private const int WordBytes = 4;
    private const int LaneCount = 8;

    // Those that decrypt stand in the order in which they are used: from the last round to the first.
    private readonly byte[] _encryptKeys;
    private readonly byte[] _decryptKeys;
    private readonly int _roundCount;

    public ProcessorAesBlocks(ReadOnlySpan<byte> key)
    {
        Invariant.Check(IsSupported);
        _roundCount = (key.Length / WordBytes) + 6;
        int keysBytes = (_roundCount + 1) * BlockBytes;
        _encryptKeys = GC.AllocateArray<byte>(keysBytes, pinned: true);
        _decryptKeys = GC.AllocateArray<byte>(keysBytes, pinned: true);
        Expand(key, _encryptKeys);
        Span<Vector128<byte>> forward = MemoryMarshal.Cast<byte, Vector128<byte>>(_encryptKeys.AsSpan());
        Span<Vector128<byte>> backward = MemoryMarshal.Cast<byte, Vector128<byte>>(_decryptKeys.AsSpan());
        for (int round = 0; round <= _roundCount; round++)
        {
            Vector128<byte> roundKey = forward[_roundCount - round];
            backward[round] = round == 0 || round == _roundCount ? roundKey : AesUnit.InverseMixColumns(roundKey);
        }
    }

    /// <summary>True where the processor has the instructions.</summary>
    public static bool IsSupported => AesUnit.IsSupported;

    /// <inheritdoc/>
    public override void Encrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Invariant.Check(source.Length % BlockBytes == 0 && destination.Length == source.Length);
        ref Vector128<byte> keys = ref FirstKey(_encryptKeys);
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(destination);
        nuint end = (nuint)source.Length;
        nuint at = 0;
        for (; at + (LaneCount * BlockBytes) <= end; at += LaneCount * BlockBytes)
        {
            EncryptLanes(ref keys, _roundCount, ref from, ref to, at);
        }

        for (; at < end; at += BlockBytes)
        {
            Vector128<byte> block = Vector128.LoadUnsafe(ref from, at) ^ keys;
            for (int round = 1; round < _roundCount; round++)
            {
                block = AesUnit.Encrypt(block, Unsafe.Add(ref keys, round));
            }

            AesUnit.EncryptLast(block, Unsafe.Add(ref keys, _roundCount)).StoreUnsafe(ref to, at);
        }
    }

    /// <inheritdoc/>
    public override void Decrypt(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Invariant.Check(source.Length % BlockBytes == 0 && destination.Length == source.Length);
        ref Vector128<byte> keys = ref FirstKey(_decryptKeys);
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(destination);
        nuint end = (nuint)source.Length;
        nuint at = 0;
        for (; at + (LaneCount * BlockBytes) <= end; at += LaneCount * BlockBytes)
        {
            DecryptLanes(ref keys, _roundCount, ref from, ref to, at);
        }

        for (; at < end; at += BlockBytes)
        {
            Vector128<byte> block = Vector128.LoadUnsafe(ref from, at) ^ keys;
            for (int round = 1; round < _roundCount; round++)
            {
                block = AesUnit.Decrypt(block, Unsafe.Add(ref keys, round));
            }

            AesUnit.DecryptLast(block, Unsafe.Add(ref keys, _roundCount)).StoreUnsafe(ref to, at);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        CryptographicOperations.ZeroMemory(_encryptKeys);
        CryptographicOperations.ZeroMemory(_decryptKeys);
    }

    private static ref Vector128<byte> FirstKey(byte[] keys) => ref Unsafe.As<byte, Vector128<byte>>(ref MemoryMarshal.GetArrayDataReference(keys));

    // The eight blocks are independent: while one waits for its round, the others are worked on.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EncryptLanes(ref Vector128<byte> keys, int roundCount, ref byte from, ref byte to, nuint at)
    {
        Vector128<byte> key = keys;
        Vector128<byte> a = Vector128.LoadUnsafe(ref from, at) ^ key;
        Vector128<byte> b = Vector128.LoadUnsafe(ref from, at + 16) ^ key;
        Vector128<byte> c = Vector128.LoadUnsafe(ref from, at + 32) ^ key;
        Vector128<byte> d = Vector128.LoadUnsafe(ref from, at + 48) ^ key;
        Vector128<byte> e = Vector128.LoadUnsafe(ref from, at + 64) ^ key;
        Vector128<byte> f = Vector128.LoadUnsafe(ref from, at + 80) ^ key;
        Vector128<byte> g = Vector128.LoadUnsafe(ref from, at + 96) ^ key;
        Vector128<byte> h = Vector128.LoadUnsafe(ref from, at + 112) ^ key;
        for (int round = 1; round < roundCount; round++)
        {
            key = Unsafe.Add(ref keys, round);
            a = AesUnit.Encrypt(a, key);
            b = AesUnit.Encrypt(b, key);
            c = AesUnit.Encrypt(c, key);
            d = AesUnit.Encrypt(d, key);
            e = AesUnit.Encrypt(e, key);
            f = AesUnit.Encrypt(f, key);
            g = AesUnit.Encrypt(g, key);
            h = AesUnit.Encrypt(h, key);
        }

        key = Unsafe.Add(ref keys, roundCount);
        AesUnit.EncryptLast(a, key).StoreUnsafe(ref to, at);
        AesUnit.EncryptLast(b, key).StoreUnsafe(ref to, at + 16);
        AesUnit.EncryptLast(c, key).StoreUnsafe(ref to, at + 32);
        AesUnit.EncryptLast(d, key).StoreUnsafe(ref to, at + 48);
        AesUnit.EncryptLast(e, key).StoreUnsafe(ref to, at + 64);
        AesUnit.EncryptLast(f, key).StoreUnsafe(ref to, at + 80);
        AesUnit.EncryptLast(g, key).StoreUnsafe(ref to, at + 96);
        AesUnit.EncryptLast(h, key).StoreUnsafe(ref to, at + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecryptLanes(ref Vector128<byte> keys, int roundCount, ref byte from, ref byte to, nuint at)
    {
        Vector128<byte> key = keys;
        Vector128<byte> a = Vector128.LoadUnsafe(ref from, at) ^ key;
        Vector128<byte> b = Vector128.LoadUnsafe(ref from, at + 16) ^ key;
        Vector128<byte> c = Vector128.LoadUnsafe(ref from, at + 32) ^ key;
        Vector128<byte> d = Vector128.LoadUnsafe(ref from, at + 48) ^ key;
        Vector128<byte> e = Vector128.LoadUnsafe(ref from, at + 64) ^ key;
        Vector128<byte> f = Vector128.LoadUnsafe(ref from, at + 80) ^ key;
        Vector128<byte> g = Vector128.LoadUnsafe(ref from, at + 96) ^ key;
        Vector128<byte> h = Vector128.LoadUnsafe(ref from, at + 112) ^ key;
        for (int round = 1; round < roundCount; round++)
        {
            key = Unsafe.Add(ref keys, round);
            a = AesUnit.Decrypt(a, key);
            b = AesUnit.Decrypt(b, key);
            c = AesUnit.Decrypt(c, key);
            d = AesUnit.Decrypt(d, key);
            e = AesUnit.Decrypt(e, key);
            f = AesUnit.Decrypt(f, key);
            g = AesUnit.Decrypt(g, key);
            h = AesUnit.Decrypt(h, key);
        }

        key = Unsafe.Add(ref keys, roundCount);
        AesUnit.DecryptLast(a, key).StoreUnsafe(ref to, at);
        AesUnit.DecryptLast(b, key).StoreUnsafe(ref to, at + 16);
        AesUnit.DecryptLast(c, key).StoreUnsafe(ref to, at + 32);
        AesUnit.DecryptLast(d, key).StoreUnsafe(ref to, at + 48);
        AesUnit.DecryptLast(e, key).StoreUnsafe(ref to, at + 64);
        AesUnit.DecryptLast(f, key).StoreUnsafe(ref to, at + 80);
        AesUnit.DecryptLast(g, key).StoreUnsafe(ref to, at + 96);
        AesUnit.DecryptLast(h, key).StoreUnsafe(ref to, at + 112);
    }

    // FIPS 197, section 5.2, on words of four bytes in the order in which they stand.
    private static void Expand(ReadOnlySpan<byte> key, Span<byte> keys)
    {
        key.CopyTo(keys);
        int keyWords = key.Length / WordBytes;
        byte constant = 1;
        for (int word = keyWords; word < keys.Length / WordBytes; word++)
        {
            uint next = BinaryPrimitives.ReadUInt32LittleEndian(keys[((word - 1) * WordBytes)..]);
            if (word % keyWords == 0)
            {
                next = Substitute(uint.RotateRight(next, 8)) ^ constant;
                constant = (byte)((constant << 1) ^ ((constant >> 7) * 0x11B));
            }
            else if (keyWords > 6 && word % keyWords == 4)
            {
                next = Substitute(next);
            }

            next ^= BinaryPrimitives.ReadUInt32LittleEndian(keys[((word - keyWords) * WordBytes)..]);
            BinaryPrimitives.WriteUInt32LittleEndian(keys[(word * WordBytes)..], next);
        }
    }

    // The last round substitutes and shifts rows; where all columns are the same word, shifting changes nothing.
    private static uint Substitute(uint word) =>
        AesUnit.EncryptLast(Vector128.Create(word).AsByte(), Vector128<byte>.Zero).AsUInt32().ToScalar();
}
