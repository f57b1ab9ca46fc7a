using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>SHA-1 (FIPS 180-4, section 6.1), four messages side by side.</summary>
internal sealed class Sha1Lanes : HashLanes<uint>
{
    // Section 5.3.1.
    private static readonly uint[] s_initial = [0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U];

    /// <inheritdoc/>
    public override int DigestWords => 5;

    /// <inheritdoc/>
    protected override ReadOnlySpan<uint> Initial => s_initial;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Compress(Span<Vector128<uint>> state, Span<Vector128<uint>> block)
    {
        Vector128<uint> a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int round = 0; round < 80; round++)
        {
            int at = round & 15;
            if (round >= 16)
            {
                block[at] = Rotate(block[at] ^ block[(at + 2) & 15] ^ block[(at + 8) & 15] ^ block[(at + 13) & 15], 1);
            }

            // Sections 4.1.1 and 4.2.1: what is mixed in, and with which constant, changes every twenty rounds.
            Vector128<uint> mixed = round switch
            {
                < 20 => Vector128.ConditionalSelect(b, c, d) + Vector128.Create(0x5A827999U),
                < 40 => (b ^ c ^ d) + Vector128.Create(0x6ED9EBA1U),
                < 60 => Vector128.ConditionalSelect(b ^ c, d, c) + Vector128.Create(0x8F1BBCDCU),
                _ => (b ^ c ^ d) + Vector128.Create(0xCA62C1D6U),
            };
            Vector128<uint> next = Rotate(a, 5) + mixed + e + block[at];
            e = d;
            d = c;
            c = Rotate(b, 30);
            b = a;
            a = next;
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Rotate(Vector128<uint> value, int bits) => (value << bits) | (value >>> (32 - bits));
}
