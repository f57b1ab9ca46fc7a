namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>
/// Gives every item a column, in the order of its row: as near as its neighbours to what it is linked with, and never nearer than the gap to what
/// stands beside it. Of all such columns those with the least sum of squared distances, row by row: first upward and downward in turn, so that
/// parents come over the middle of their children, and at last downward, so that lines run straight.
/// </summary>
internal static class LayerPlacement
{
    private const int SweepCount = 17;

    /// <summary>Sets the anchor of each item of <paramref name="rows"/>.</summary>
    /// <param name="rows">The rows, in their final order.</param>
    /// <param name="gap">The least room between neighbours.</param>
    public static void Place(IReadOnlyList<List<LayoutItem>> rows, int gap)
    {
        foreach (List<LayoutItem> row in rows)
        {
            Place(row, gap, static _ => 0);
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

    // Where its links would run straight, in the mean. What has no neighbours on the one side looks at the other.
    private static double Wish(LayoutItem item, bool isByAbove)
    {
        if (item.Above.Count + item.Below.Count == 0)
        {
            return item.Anchor;
        }

        return item.Above.Count > 0 && (isByAbove || item.Below.Count == 0)
            ? item.Above.Average(link => (double)(link.Upper.Anchor + link.UpperPort - link.LowerPort))
            : item.Below.Average(link => (double)(link.Lower.Anchor + link.LowerPort - link.UpperPort));
    }

    // Without the room that each must keep from its left neighbour, columns only have to rise: neighbours whose wishes fall are pooled at their mean.
    private static void Place(List<LayoutItem> row, int gap, Func<LayoutItem, double> wish)
    {
        int[] offsets = new int[row.Count];
        List<(double Mean, int Count)> pools = [];
        for (int i = 0; i < row.Count; i++)
        {
            offsets[i] = i == 0 ? 0 : offsets[i - 1] + row[i - 1].Right + gap + row[i].Left;
            pools.Add((wish(row[i]) - offsets[i], 1));
            while (pools.Count > 1 && pools[^2].Mean > pools[^1].Mean)
            {
                (double mean, int count) = pools[^2];
                (double lastMean, int lastCount) = pools[^1];
                pools.RemoveAt(pools.Count - 1);
                pools[^1] = (((mean * count) + (lastMean * lastCount)) / (count + lastCount), count + lastCount);
            }
        }

        int next = 0;
        foreach ((double mean, int count) in pools)
        {
            for (int i = 0; i < count; i++, next++)
            {
                row[next].Anchor = (int)Math.Round(mean, MidpointRounding.AwayFromZero) + offsets[next];
            }
        }
    }
}
