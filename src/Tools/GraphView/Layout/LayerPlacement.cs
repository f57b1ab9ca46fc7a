namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>
/// Gives every item a column, in the order of its row: as near as its neighbours to what it is linked with, and never nearer than the gap to what
/// stands beside it. Of all such columns those with the least sum of squared distances, row by row: first upward and downward in turn, so that
/// parents come over the middle of their children, and at last downward, so that lines run straight. A link of a chain outweighs all others.
/// </summary>
internal static class LayerPlacement
{
    private const int SweepCount = 17;
    private const double StraightWeight = 1000;

    /// <summary>Sets the anchor of each item of <paramref name="rows"/>.</summary>
    /// <param name="rows">The rows, in their final order.</param>
    /// <param name="gap">The least room between neighbours.</param>
    public static void Place(IReadOnlyList<List<LayoutItem>> rows, int gap)
    {
        foreach (List<LayoutItem> row in rows)
        {
            Place(row, gap, static _ => (0, 1));
        }

        for (int sweep = 0; sweep < SweepCount; sweep++)
        {
            bool isDown = sweep % 2 == 0;
            for (int i = 0; i < rows.Count; i++)
            {
                Place(rows[isDown ? i : rows.Count - 1 - i], gap, item => Wish(item, isDown));
            }
        }
    }

    // Where its links would run straight, in the mean; those of a chain alone, where it has any. What has no neighbours on the one side looks at the other.
    private static (double Column, double Weight) Wish(LayoutItem item, bool isByAbove)
    {
        if (item.Above.Count + item.Below.Count == 0)
        {
            return (item.Anchor, 1);
        }

        bool looksAbove = item.Above.Count > 0 && (isByAbove || item.Below.Count == 0);
        List<LayoutLink> links = looksAbove ? item.Above : item.Below;
        bool hasStraight = links.Exists(link => link.IsStraight);
        double column = links.Where(link => link.IsStraight || !hasStraight).Average(link => looksAbove
            ? (double)(link.Upper.Anchor + link.UpperPort - link.LowerPort)
            : link.Lower.Anchor + link.LowerPort - link.UpperPort);
        return (column, hasStraight ? StraightWeight : 1);
    }

    // Without the room that each must keep from its left neighbour, columns only have to rise: neighbours whose wishes fall are pooled at their mean.
    private static void Place(List<LayoutItem> row, int gap, Func<LayoutItem, (double Column, double Weight)> wish)
    {
        int[] offsets = new int[row.Count];
        List<(double Mean, double Weight, int Count)> pools = [];
        for (int i = 0; i < row.Count; i++)
        {
            offsets[i] = i == 0 ? 0 : offsets[i - 1] + row[i - 1].Right + gap + row[i].Left;
            (double column, double weight) = wish(row[i]);
            pools.Add((column - offsets[i], weight, 1));
            while (pools.Count > 1 && pools[^2].Mean > pools[^1].Mean)
            {
                (double mean, double sum, int count) = pools[^2];
                (double lastMean, double lastSum, int lastCount) = pools[^1];
                pools.RemoveAt(pools.Count - 1);
                pools[^1] = (((mean * sum) + (lastMean * lastSum)) / (sum + lastSum), sum + lastSum, count + lastCount);
            }
        }

        int next = 0;
        foreach ((double mean, _, int count) in pools)
        {
            for (int i = 0; i < count; i++, next++)
            {
                row[next].Anchor = (int)Math.Round(mean, MidpointRounding.AwayFromZero) + offsets[next];
            }
        }
    }
}
