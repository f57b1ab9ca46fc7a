using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Reads how a new LUKS volume is to be made, whichever format it lies in. <i>QEMU: QCryptoBlockCreateOptionsLUKS.</i></summary>
public static class LuksFormatReader
{
    /// <summary>Reads the options <c>cipher-alg</c>, <c>cipher-mode</c>, <c>ivgen-alg</c>, <c>ivgen-hash-alg</c>, <c>hash-alg</c> and <c>iter-time</c> (in milliseconds).</summary>
    /// <param name="options">Where they are.</param>
    /// <param name="prefix">What stands before their names.</param>
    /// <param name="isGiven">True where there was any.</param>
    /// <exception cref="BlockException">A value is malformed; the message names the option.</exception>
    public static LuksFormatOptions Read(OptionReader options, string prefix, out bool isGiven)
    {
        ArgumentNullException.ThrowIfNull(options);
        LuksFormatOptions defaults = new();
        string? algorithm = ReadName("cipher-alg", LuksVolume.CipherAlgorithms);
        string? mode = ReadName("cipher-mode", LuksVolume.CipherModes);
        string? iv = ReadName("ivgen-alg", LuksVolume.IvAlgorithms);
        string? ivHash = ReadName("ivgen-hash-alg", LuksVolume.HashAlgorithms);
        string? hash = ReadName("hash-alg", LuksVolume.HashAlgorithms);
        long? iterTimeMs = ReadIterTime(options, prefix);
        isGiven = (algorithm ?? mode ?? iv ?? ivHash ?? hash) is not null || iterTimeMs is not null;
        return defaults with
        {
            CipherAlgorithm = algorithm ?? defaults.CipherAlgorithm,
            CipherMode = mode ?? defaults.CipherMode,
            IvAlgorithm = iv ?? defaults.IvAlgorithm,
            IvHash = ivHash,
            HashAlgorithm = hash ?? defaults.HashAlgorithm,
            IterTimeMs = iterTimeMs ?? defaults.IterTimeMs,
        };

        string? ReadName(string name, IReadOnlyList<string> values)
        {
            string? value = options.GetString(prefix + name);
            return value is null || values.Contains(value) ? value : throw new BlockException($"Parameter '{name}' does not accept value '{value}'");
        }
    }

    /// <summary>How long deriving a key is to take, in milliseconds; null where nothing is said.</summary>
    /// <exception cref="BlockException">It is no time.</exception>
    public static long? ReadIterTime(OptionReader options, string prefix)
    {
        ArgumentNullException.ThrowIfNull(options);
        long? timeMs = options.GetIntegerOrNull($"{prefix}iter-time");
        return timeMs is null or >= 0 ? timeMs : throw new BlockException("Parameter 'iter-time' expects a number that is not negative");
    }
}
