using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>SHA-256 (FIPS 180-4, section 6.2), four messages side by side.</summary>
internal sealed class Sha256Lanes : HashLanes<uint>
{
    private const int RoundCount = 64;

    // FIPS 180-4, section 4.2.2: the fractions of the cube roots of the first primes.
    private static readonly uint[] s_constants =
    [
        0x428A2F98U, 0x71374491U, 0xB5C0FBCFU, 0xE9B5DBA5U, 0x3956C25BU, 0x59F111F1U, 0x923F82A4U, 0xAB1C5ED5U,
        0xD807AA98U, 0x12835B01U, 0x243185BEU, 0x550C7DC3U, 0x72BE5D74U, 0x80DEB1FEU, 0x9BDC06A7U, 0xC19BF174U,
        0xE49B69C1U, 0xEFBE4786U, 0x0FC19DC6U, 0x240CA1CCU, 0x2DE92C6FU, 0x4A7484AAU, 0x5CB0A9DCU, 0x76F988DAU,
        0x983E5152U, 0xA831C66DU, 0xB00327C8U, 0xBF597FC7U, 0xC6E00BF3U, 0xD5A79147U, 0x06CA6351U, 0x14292967U,
        0x27B70A85U, 0x2E1B2138U, 0x4D2C6DFCU, 0x53380D13U, 0x650A7354U, 0x766A0ABBU, 0x81C2C92EU, 0x92722C85U,
        0xA2BFE8A1U, 0xA81A664BU, 0xC24B8B70U, 0xC76C51A3U, 0xD192E819U, 0xD6990624U, 0xF40E3585U, 0x106AA070U,
        0x19A4C116U, 0x1E376C08U, 0x2748774CU, 0x34B0BCB5U, 0x391C0CB3U, 0x4ED8AA4AU, 0x5B9CCA4FU, 0x682E6FF3U,
        0x748F82EEU, 0x78A5636FU, 0x84C87814U, 0x8CC70208U, 0x90BEFFFAU, 0xA4506CEBU, 0xBEF9A3F7U, 0xC67178F2U,
    ];

    // Section 5.3.3: those of the square roots.
    private static readonly uint[] s_initial =
    [
        0x6A09E667U, 0xBB67AE85U, 0x3C6EF372U, 0xA54FF53AU, 0x510E527FU, 0x9B05688CU, 0x1F83D9ABU, 0x5BE0CD19U,
    ];

    /// <inheritdoc/>
    public override int DigestWords => 8;

    /// <inheritdoc/>
    protected override ReadOnlySpan<uint> Initial => s_initial;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Compress(Span<Vector128<uint>> state, Span<Vector128<uint>> block)
    {
        Span<Vector128<uint>> words = stackalloc Vector128<uint>[RoundCount];
        Schedule(block, words);
        ref Vector128<uint> word = ref MemoryMarshal.GetReference(words);
        ref uint constant = ref MemoryMarshal.GetArrayDataReference(s_constants);
        Vector128<uint> a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
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

    // Section 6.2.2, step 1.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Schedule(ReadOnlySpan<Vector128<uint>> block, Span<Vector128<uint>> words)
    {
        block.CopyTo(words);
        ref Vector128<uint> first = ref MemoryMarshal.GetReference(words);
        for (int i = BlockWords; i < RoundCount; i++)
        {
            Vector128<uint> old = Unsafe.Add(ref first, i - 15);
            Vector128<uint> late = Unsafe.Add(ref first, i - 2);
            Vector128<uint> spreadOld = Rotate(old, 7) ^ Rotate(old, 18) ^ (old >>> 3);
            Vector128<uint> spreadLate = Rotate(late, 17) ^ Rotate(late, 19) ^ (late >>> 10);
            Unsafe.Add(ref first, i) = Unsafe.Add(ref first, i - 16) + spreadOld + Unsafe.Add(ref first, i - 7) + spreadLate;
        }
    }

    // Step 3. What would be the new a and e goes where h and d were.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(Vector128<uint> a, Vector128<uint> b, Vector128<uint> c, ref Vector128<uint> d, Vector128<uint> e, Vector128<uint> f, Vector128<uint> g, ref Vector128<uint> h, Vector128<uint> word, uint constant)
    {
        Vector128<uint> first = h + (Rotate(e, 6) ^ Rotate(e, 11) ^ Rotate(e, 25)) + Vector128.ConditionalSelect(e, f, g) + word + Vector128.Create(constant);
        d += first;
        h = first + (Rotate(a, 2) ^ Rotate(a, 13) ^ Rotate(a, 22)) + Vector128.ConditionalSelect(a ^ b, c, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Rotate(Vector128<uint> value, [ConstantExpected] byte bits) =>
        Avx512F.VL.IsSupported ? Avx512F.VL.RotateRight(value, bits) : (value >>> bits) | (value << (32 - bits));
}
