using System.Numerics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>Limits that a blkdebug node has in place of its child's, all in bytes; 0 for the child's own.</summary>
/// <param name="Align">The request alignment.</param>
/// <param name="MaxTransfer">The longest read or write.</param>
/// <param name="OptWriteZero">Zero writes that are no whole multiple of it fall back to buffers.</param>
/// <param name="MaxWriteZero">The longest zero write.</param>
/// <param name="OptDiscard">Discards are cut at whole multiples of it.</param>
/// <param name="MaxDiscard">The longest discard.</param>
internal sealed record BlkdebugLimits(long Align, long MaxTransfer, long OptWriteZero, long MaxWriteZero, long OptDiscard, long MaxDiscard)
{
    private const string AlignKey = "align";
    private const string MaxTransferKey = "max-transfer";
    private const string OptWriteZeroKey = "opt-write-zero";
    private const string MaxWriteZeroKey = "max-write-zero";
    private const string OptDiscardKey = "opt-discard";
    private const string MaxDiscardKey = "max-discard";

    /// <summary>The options.</summary>
    public static IReadOnlyList<OptionDefinition> Definitions { get; } =
    [
        Define(AlignKey, "request alignment in bytes, a power of two; 0 for the child's"),
        Define(MaxTransferKey, "the longest read or write in bytes; 0 for the child's"),
        Define(OptWriteZeroKey, "zero writes of less than this many bytes fall back to buffers; 0 for none"),
        Define(MaxWriteZeroKey, "the longest zero write in bytes; 0 for any"),
        Define(OptDiscardKey, "discards go to whole multiples of this many bytes, as far as they can; 0 for any"),
        Define(MaxDiscardKey, "the longest discard in bytes; 0 for any"),
    ];

    /// <summary>True where any of them replaces the child's.</summary>
    public bool IsGiven => (Align | MaxTransfer | OptWriteZero | MaxWriteZero | OptDiscard | MaxDiscard) != 0;

    /// <summary>The longest piece of a zero write that is too short to be one, plus one.</summary>
    public long ZeroBytesMin => Math.Max(Align, OptWriteZero);

    /// <summary>Reads the options.</summary>
    /// <exception cref="BlockException">A value is no size.</exception>
    public static BlkdebugLimits Read(OptionReader reader) => new(
        reader.GetSize(AlignKey),
        reader.GetSize(MaxTransferKey),
        reader.GetSize(OptWriteZeroKey),
        reader.GetSize(MaxWriteZeroKey),
        reader.GetSize(OptDiscardKey),
        reader.GetSize(MaxDiscardKey));

    /// <summary>Refuses limits that contradict each other, or the alignment of the child.</summary>
    /// <exception cref="BlockException">One does; the message names it.</exception>
    public void Check(int childAlignmentBytes)
    {
        if (Align != 0 && (Align >= int.MaxValue || !BitOperations.IsPow2(Align)))
        {
            throw Refusal(AlignKey, Align);
        }

        long alignment = Math.Max(Align, childAlignmentBytes);
        CheckOne(MaxTransferKey, MaxTransfer, alignment);
        CheckOne(OptWriteZeroKey, OptWriteZero, alignment);
        CheckOne(MaxWriteZeroKey, MaxWriteZero, Math.Max(OptWriteZero, alignment));
        CheckOne(OptDiscardKey, OptDiscard, alignment);
        CheckOne(MaxDiscardKey, MaxDiscard, Math.Max(OptDiscard, alignment));
    }

    /// <summary>The limits over a child whose requests have the alignment <paramref name="childAlignmentBytes"/>, which may be another by now.</summary>
    public BlockLimits ToLimits(int childAlignmentBytes) => new()
    {
        RequestAlignmentBytes = (int)Math.Max(Align, 1),
        TransferBytesMax = MaxTransfer == 0 ? null : (int)Math.Max(MaxTransfer, childAlignmentBytes),
        WriteZeroesAlignmentBytes = Math.Max(OptWriteZero, 1),
        WriteZeroesBytesMax = MaxWriteZero == 0 ? null : Math.Max(MaxWriteZero, childAlignmentBytes),
        DiscardAlignmentBytes = Math.Max(OptDiscard, 1),
        DiscardBytesMax = MaxDiscard == 0 ? null : Math.Max(MaxDiscard, childAlignmentBytes),
    };

    private static OptionDefinition Define(string name, string help) => new(name, OptionType.Size, help) { Default = "0", IsStrong = true };

    private static void CheckOne(string name, long value, long alignment)
    {
        if (value >= int.MaxValue || value % alignment != 0)
        {
            throw Refusal(name, value);
        }
    }

    private static BlockException Refusal(string name, long value) => new($"Cannot meet constraints with {name} {value}");
}
