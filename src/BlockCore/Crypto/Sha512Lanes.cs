using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>SHA-512 (FIPS 180-4, section 6.4), two messages side by side.</summary>
internal sealed class Sha512Lanes : HashLanes<ulong>
{
    private const int RoundCount = 80;

    // FIPS 180-4, section 4.2.3: the fractions of the cube roots of the first primes.
    private static readonly ulong[] s_constants =
    [
        0x428A2F98D728AE22UL, 0x7137449123EF65CDUL, 0xB5C0FBCFEC4D3B2FUL, 0xE9B5DBA58189DBBCUL,
        0x3956C25BF348B538UL, 0x59F111F1B605D019UL, 0x923F82A4AF194F9BUL, 0xAB1C5ED5DA6D8118UL,
        0xD807AA98A3030242UL, 0x12835B0145706FBEUL, 0x243185BE4EE4B28CUL, 0x550C7DC3D5FFB4E2UL,
        0x72BE5D74F27B896FUL, 0x80DEB1FE3B1696B1UL, 0x9BDC06A725C71235UL, 0xC19BF174CF692694UL,
        0xE49B69C19EF14AD2UL, 0xEFBE4786384F25E3UL, 0x0FC19DC68B8CD5B5UL, 0x240CA1CC77AC9C65UL,
        0x2DE92C6F592B0275UL, 0x4A7484AA6EA6E483UL, 0x5CB0A9DCBD41FBD4UL, 0x76F988DA831153B5UL,
        0x983E5152EE66DFABUL, 0xA831C66D2DB43210UL, 0xB00327C898FB213FUL, 0xBF597FC7BEEF0EE4UL,
        0xC6E00BF33DA88FC2UL, 0xD5A79147930AA725UL, 0x06CA6351E003826FUL, 0x142929670A0E6E70UL,
        0x27B70A8546D22FFCUL, 0x2E1B21385C26C926UL, 0x4D2C6DFC5AC42AEDUL, 0x53380D139D95B3DFUL,
        0x650A73548BAF63DEUL, 0x766A0ABB3C77B2A8UL, 0x81C2C92E47EDAEE6UL, 0x92722C851482353BUL,
        0xA2BFE8A14CF10364UL, 0xA81A664BBC423001UL, 0xC24B8B70D0F89791UL, 0xC76C51A30654BE30UL,
        0xD192E819D6EF5218UL, 0xD69906245565A910UL, 0xF40E35855771202AUL, 0x106AA07032BBD1B8UL,
        0x19A4C116B8D2D0C8UL, 0x1E376C085141AB53UL, 0x2748774CDF8EEB99UL, 0x34B0BCB5E19B48A8UL,
        0x391C0CB3C5C95A63UL, 0x4ED8AA4AE3418ACBUL, 0x5B9CCA4F7763E373UL, 0x682E6FF3D6B2B8A3UL,
        0x748F82EE5DEFB2FCUL, 0x78A5636F43172F60UL, 0x84C87814A1F0AB72UL, 0x8CC702081A6439ECUL,
        0x90BEFFFA23631E28UL, 0xA4506CEBDE82BDE9UL, 0xBEF9A3F7B2C67915UL, 0xC67178F2E372532BUL,
        0xCA273ECEEA26619CUL, 0xD186B8C721C0C207UL, 0xEADA7DD6CDE0EB1EUL, 0xF57D4F7FEE6ED178UL,
        0x06F067AA72176FBAUL, 0x0A637DC5A2C898A6UL, 0x113F9804BEF90DAEUL, 0x1B710B35131C471BUL,
        0x28DB77F523047D84UL, 0x32CAAB7B40C72493UL, 0x3C9EBE0A15C9BEBCUL, 0x431D67C49C100D4CUL,
        0x4CC5D4BECB3E42B6UL, 0x597F299CFC657E2AUL, 0x5FCB6FAB3AD6FAECUL, 0x6C44198C4A475817UL,
    ];

    // Section 5.3.5: those of the square roots.
    private static readonly ulong[] s_initial =
    [
        0x6A09E667F3BCC908UL, 0xBB67AE8584CAA73BUL, 0x3C6EF372FE94F82BUL, 0xA54FF53A5F1D36F1UL,
        0x510E527FADE682D1UL, 0x9B05688C2B3E6C1FUL, 0x1F83D9ABFB41BD6BUL, 0x5BE0CD19137E2179UL,
    ];

    /// <inheritdoc/>
    public override int DigestWords => 8;

    /// <inheritdoc/>
    protected override ReadOnlySpan<ulong> Initial => s_initial;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Compress(Span<Vector128<ulong>> state, Span<Vector128<ulong>> block)
    {
        Span<Vector128<ulong>> words = stackalloc Vector128<ulong>[RoundCount];
        Schedule(block, words);
        ref Vector128<ulong> word = ref MemoryMarshal.GetReference(words);
        ref ulong constant = ref MemoryMarshal.GetArrayDataReference(s_constants);
        Vector128<ulong> a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
        for (int round = 0; round < RoundCount; round += 8)
        {
            // The eight variables change places: after eight rounds each is at its own again.
            Round(a, b, c, ref d, e, f, g, ref h, word, constant);
            Round(h, a, b, ref c, d, e, f, ref g, Unsafe.Add(ref word, 1), Unsafe.Add(ref constant, 1));
            Round(g, h, a, ref b, c, d, e, ref f, Unsafe.Add(ref word, 2), Unsafe.Add(ref constant, 2));
            Round(f, g, h, ref a, b, c, d, ref e, Unsafe.Add(ref word, 3), Unsafe.Add(ref constant, 3));
            Round(e, f, g, ref h, a, b, c, ref d, Unsafe.Add(ref word, 4), Unsafe.Add(ref constant, 4));
            Round(d, e, f, ref g, h, a, b, ref c, Unsafe.Add(ref word, 5), Unsafe.Add(ref constant, 5));
            Round(c, d, e, ref f, g, h, a, ref b, Unsafe.Add(ref word, 6), Unsafe.Add(ref constant, 6));
            Round(b, c, d, ref e, f, g, h, ref a, Unsafe.Add(ref word, 7), Unsafe.Add(ref constant, 7));
            word = ref Unsafe.Add(ref word, 8);
            constant = ref Unsafe.Add(ref constant, 8);
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }

    // Section 6.4.2, step 1.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Schedule(ReadOnlySpan<Vector128<ulong>> block, Span<Vector128<ulong>> words)
    {
        block.CopyTo(words);
        ref Vector128<ulong> first = ref MemoryMarshal.GetReference(words);
        for (int i = BlockWords; i < RoundCount; i++)
        {
            Vector128<ulong> old = Unsafe.Add(ref first, i - 15);
            Vector128<ulong> late = Unsafe.Add(ref first, i - 2);
            Vector128<ulong> spreadOld = Rotate(old, 1) ^ Rotate(old, 8) ^ (old >>> 7);
            Vector128<ulong> spreadLate = Rotate(late, 19) ^ Rotate(late, 61) ^ (late >>> 6);
            Unsafe.Add(ref first, i) = Unsafe.Add(ref first, i - 16) + spreadOld + Unsafe.Add(ref first, i - 7) + spreadLate;
        }
    }

    // Step 3. What would be the new a and e goes where h and d were.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c, ref Vector128<ulong> d, Vector128<ulong> e, Vector128<ulong> f, Vector128<ulong> g, ref Vector128<ulong> h, Vector128<ulong> word, ulong constant)
    {
        Vector128<ulong> first = h + (Rotate(e, 14) ^ Rotate(e, 18) ^ Rotate(e, 41)) + Vector128.ConditionalSelect(e, f, g) + word + Vector128.Create(constant);
        d += first;
        h = first + (Rotate(a, 28) ^ Rotate(a, 34) ^ Rotate(a, 39)) + Vector128.ConditionalSelect(a ^ b, c, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Rotate(Vector128<ulong> value, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateRight(value, bits) : (value >>> bits) | (value << (64 - bits));
}
