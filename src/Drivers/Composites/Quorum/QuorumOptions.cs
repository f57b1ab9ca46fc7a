using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>What the options of a quorum say.</summary>
/// <param name="VoteThreshold">How many children must agree.</param>
/// <param name="IsFifo">True to read from one child after another, false to ask all and vote.</param>
/// <param name="RewritesCorrupted">True to write the winning bytes over those that lost.</param>
/// <param name="Verifies">True to fail where two children differ, and say where.</param>
internal sealed record QuorumOptions(int VoteThreshold, bool IsFifo, bool RewritesCorrupted, bool Verifies)
{
    /// <summary>The option that lists the children.</summary>
    public const string ChildrenKey = "children";

    private const string ThresholdKey = "vote-threshold";
    private const string PatternKey = "read-pattern";
    private const string RewriteKey = "rewrite-corrupted";
    private const string VerifyKey = "blkverify";

    /// <summary>The options of the driver.</summary>
    public static OptionSchema Schema { get; } = new(
        new OptionDefinition(ChildrenKey, OptionType.ChildList, "the nodes or options that each hold the same bytes") { IsRequired = true },
        new OptionDefinition(ThresholdKey, OptionType.Integer, "how many children must agree on a read, or succeed in a write") { IsRequired = true, IsStrong = true },
        new OptionDefinition(PatternKey, OptionType.Enum, "ask all children and vote (quorum), or one after another until one can (fifo)") { Default = "quorum", AllowedValues = ["quorum", "fifo"], IsStrong = true },
        new OptionDefinition(RewriteKey, OptionType.Boolean, "write the winning bytes over those that lost a vote") { Default = "off", IsStrong = true },
        new OptionDefinition(VerifyKey, OptionType.Boolean, "of two children: a read fails where they differ, and says where") { Default = "off", IsStrong = true });

    /// <summary>Reads the options of a quorum of <paramref name="childCount"/> children.</summary>
    /// <exception cref="BlockException">A value is malformed, or the options do not go together.</exception>
    public static QuorumOptions Read(OptionReader reader, int childCount)
    {
        if (childCount == 0)
        {
            throw new BlockException("Number of provided children must be 1 or more");
        }

        long threshold = reader.GetInteger(ThresholdKey);
        if (threshold < 1)
        {
            throw new BlockException($"Parameter '{ThresholdKey}' expects a value >= 1");
        }

        if (threshold > childCount)
        {
            throw new BlockException("threshold may not exceed children count");
        }

        bool isFifo = reader.GetEnumIndex(PatternKey) == 1;
        bool verifies = reader.GetBoolean(VerifyKey);
        bool rewrites = reader.GetBoolean(RewriteKey);
        if (isFifo)
        {
            // Nothing is compared, hence nothing verified or mended.
            return new QuorumOptions((int)threshold, isFifo, RewritesCorrupted: false, Verifies: false);
        }

        if (verifies && (childCount != 2 || threshold != 2))
        {
            throw new BlockException("blkverify=on can only be set if there are exactly two files and vote-threshold is 2");
        }

        if (verifies && rewrites)
        {
            throw new BlockException("rewrite-corrupted=on cannot be used with blkverify=on");
        }

        return new QuorumOptions((int)threshold, isFifo, rewrites, verifies);
    }
}
