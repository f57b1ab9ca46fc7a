using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit;

/// <summary>Which calls of a <see cref="FaultyDisk"/> fail, and with what.</summary>
/// <param name="call">The kind that it is about; null for any.</param>
/// <param name="error">What they fail with.</param>
internal sealed class FaultRule(StorageCall? call, BlockErrorKind error)
{
    /// <summary>How many calls are left up to and with the one that fails; null where chance decides.</summary>
    public int? CallsLeft { get; set; }

    /// <summary>Every later call fails too.</summary>
    public bool IsSticky { get; init; }

    /// <summary>One call in so many fails.</summary>
    public int OneIn { get; init; }

    /// <summary>True where it will never fail anything again.</summary>
    public bool IsSpent => CallsLeft <= 0 && !IsSticky;

    /// <summary>What a call is to fail with, or null.</summary>
    public BlockErrorKind? Judge(StorageCall made, SeededRandom chance)
    {
        if (call is not null && call != made)
        {
            return null;
        }

        if (CallsLeft is null)
        {
            return chance.OneIn(OneIn) ? error : null;
        }

        CallsLeft = Math.Max(0, CallsLeft.Value - 1);
        return CallsLeft == 0 ? error : null;
    }
}
