namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>
/// Orders the items of each row so that few links cross: each goes where its neighbours in the row above, then below, are in the mean, again
/// and again; the best order met is kept. Items that have the same mean keep their order, so that the result depends on the input alone.
/// </summary>
internal static class LayerOrder
{
    private const int SweepCount = 12;

    /// <summary>Orders <paramref name="rows"/> in place, and sets the position of each item.</summary>
    public static void Improve(IReadOnlyList<List<LayoutItem>> rows)
    {
        Number(rows);
        LayoutItem[][] best = Copy(rows);
        int fewest = CountCrossings(rows);
        for (int sweep = 0; sweep < SweepCount && fewest > 0; sweep++)
        {
            bool isDown = sweep % 2 == 0;
            for (int i = 1; i < rows.Count; i++)
            {
                Sort(rows[isDown ? i : rows.Count - 1 - i], isDown);
            }

            int crossings = CountCrossings(rows);
            if (crossings < fewest)
            {
                fewest = crossings;
                best = Copy(rows);
            }
        }

        for (int row = 0; row < rows.Count; row++)
        {
            rows[row].Clear();
            rows[row].AddRange(best[row]);
        }

        Number(rows);
    }

    /// <summary>How many pairs of links cross.</summary>
    public static int CountCrossings(IReadOnlyList<List<LayoutItem>> rows)
    {
        int count = 0;
        foreach (List<LayoutItem> row in rows)
        {
            LayoutLink[] links = [.. row.SelectMany(item => item.Below)];
            for (int i = 0; i < links.Length; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    int above = links[i].Upper.Position - links[j].Upper.Position;
                    int below = links[i].Lower.Position - links[j].Lower.Position;
                    count += Math.Sign(above) * Math.Sign(below) < 0 ? 1 : 0;
                }
            }
        }

        return count;
    }

    private static void Sort(List<LayoutItem> row, bool isByAbove)
    {
        LayoutItem[] sorted = [.. row.OrderBy(item => Mean(item, isByAbove))];
        row.Clear();
        row.AddRange(sorted);
        Number(row);
    }

    // One without neighbours stays where it is.
    private static double Mean(LayoutItem item, bool isByAbove)
    {
        List<LayoutLink> links = isByAbove ? item.Above : item.Below;
        return links.Count == 0 ? item.Position : links.Average(link => (double)(isByAbove ? link.Upper : link.Lower).Position);
    }

    private static LayoutItem[][] Copy(IReadOnlyList<List<LayoutItem>> rows) => [.. rows.Select(row => row.ToArray())];

    private static void Number(IReadOnlyList<List<LayoutItem>> rows)
    {
        foreach (List<LayoutItem> row in rows)
        {
            Number(row);
        }
    }

    private static void Number(List<LayoutItem> row)
    {
        for (int i = 0; i < row.Count; i++)
        {
            row[i].Position = i;
        }
    }
}
