using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Crypto;

/// <summary>Derives keys on workers, in slices: between two of them it can be cancelled, and the clock can be read. Main context.</summary>
internal static class DerivationRun
{
    /// <summary>More iterations than this are refused: that many take some ten seconds.</summary>
    public const long IterationCountMax = 20_000_000;

    /// <summary>What LUKS1 section 4 asks for at least.</summary>
    public const long IterationCountMin = 1000;
    private const int SliceIterations = 32_768;

    // Others may have the processor meanwhile: the quickest of several counts.
    private const int ProbeIterations = 16_384;
    private const int ProbeCountMax = 8;
    private const long NsPerMs = 1_000_000;

    /// <summary>Derives <paramref name="key"/> from <paramref name="passphrase"/>.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was set.</exception>
    public static async Task DeriveAsync(
        AioContext context, KeyHash hash, KeyMaterial passphrase, byte[] salt, long iterationCount, KeyMaterial key, CancellationToken cancel)
    {
        Invariant.Check(iterationCount is > 0 and <= IterationCountMax);
        using KeyDerivation derivation = hash.Derive(passphrase.Span, salt, key.Length);
        while (derivation.IterationCount < iterationCount)
        {
            cancel.ThrowIfCancellationRequested();
            int slice = (int)Math.Min(SliceIterations, iterationCount - derivation.IterationCount);
            await context.RunOnWorkers(() => derivation.Run(slice));
        }

        derivation.CopyKeyTo(key.Span);
    }

    /// <summary>How many iterations take <paramref name="timeMs"/> on this machine.</summary>
    /// <exception cref="BlockException">More than would be accepted when the volume is opened.</exception>
    public static async Task<long> CountForAsync(AioContext context, KeyHash hash, int keyBytes, long timeMs, CancellationToken cancel)
    {
        if (timeMs == 0)
        {
            return IterationCountMin;
        }

        using KeyMaterial passphrase = new(keyBytes);
        using KeyDerivation derivation = hash.Derive(passphrase.Span, new byte[LuksKeySlot.SaltBytes], keyBytes);
        long leastNs = long.MaxValue;
        long spentNs = 0;
        for (int probe = 0; probe < ProbeCountMax && spentNs < (Int128)timeMs * NsPerMs && leastNs > 0; probe++)
        {
            cancel.ThrowIfCancellationRequested();
            long startNs = context.NowNs;
            await context.RunOnWorkers(() => derivation.Run(ProbeIterations));
            long elapsedNs = context.NowNs - startNs;
            leastNs = Math.Min(leastNs, elapsedNs);
            spentNs += elapsedNs;
        }

        // In a world whose clock stands still while a processor works, nothing takes any time.
        Int128 count = leastNs <= 0 ? 0 : (Int128)ProbeIterations * timeMs * NsPerMs / leastNs;
        return count <= IterationCountMax
            ? (long)Int128.Max(count, IterationCountMin)
            : throw new BlockException(BlockErrorKind.InvalidArgument, $"PBKDF iterations {count} larger than {IterationCountMax}");
    }
}
