using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>Counts votes: each leg has one. Of two with as many votes, the one that was seen later wins. <i>QEMU: quorum_get_vote_winner().</i></summary>
internal static class QuorumVote
{
    /// <summary>
    /// Sorts the bytes that were read into versions, each called by the number of the first leg that gave it. A child that ends too soon has a version
    /// of its own, which never wins.
    /// </summary>
    /// <returns>The version with the most votes, and how many.</returns>
    public static (int Winner, int VoteCount) OnBytes(ReadOnlySpan<QuorumLeg> legs)
    {
        for (int i = 0; i < legs.Length; i++)
        {
            if (legs[i].Error is null)
            {
                legs[i].Version = legs[i].IsShort ? i : FindVersion(legs, i);
            }
        }

        int winner = -1;
        int most = 0;
        for (int i = 0; i < legs.Length; i++)
        {
            int count = legs[i].Version == i && !legs[i].IsShort ? CountVersion(legs, i) : 0;
            if (count > 0 && count >= most)
            {
                winner = i;
                most = count;
            }
        }

        return (winner, most);
    }

    /// <summary>The failure that most of the legs that failed have in common, by its kind.</summary>
    public static BlockException OnErrors(ReadOnlySpan<QuorumLeg> legs)
    {
        BlockException? winner = null;
        int most = 0;
        for (int i = 0; i < legs.Length; i++)
        {
            if (legs[i].Error is not { } error || FindKind(legs[..i], error.Kind))
            {
                continue;
            }

            int count = CountKind(legs, error.Kind);
            if (count >= most)
            {
                winner = error;
                most = count;
            }
        }

        Invariant.Check(winner is not null);
        return winner;
    }

    private static int FindVersion(ReadOnlySpan<QuorumLeg> legs, int index)
    {
        for (int i = 0; i < index; i++)
        {
            if (legs[i].Version == i && !legs[i].IsShort && legs[i].Bytes.Span.SequenceEqual(legs[index].Bytes.Span))
            {
                return i;
            }
        }

        return index;
    }

    private static int CountVersion(ReadOnlySpan<QuorumLeg> legs, int version)
    {
        int count = 0;
        foreach (QuorumLeg leg in legs)
        {
            count += leg.Version == version ? 1 : 0;
        }

        return count;
    }

    private static bool FindKind(ReadOnlySpan<QuorumLeg> legs, BlockErrorKind kind) => CountKind(legs, kind) > 0;

    private static int CountKind(ReadOnlySpan<QuorumLeg> legs, BlockErrorKind kind)
    {
        int count = 0;
        foreach (QuorumLeg leg in legs)
        {
            count += leg.Error?.Kind == kind ? 1 : 0;
        }

        return count;
    }
}
