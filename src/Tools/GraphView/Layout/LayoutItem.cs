namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>
/// What takes room in a row: a box; the label of an arrow, which the arrow passes on its left; or the point where a long arrow passes a row of
/// boxes. Arrows lead from row to next row only, so that no line ever meets what it does not belong to.
/// </summary>
/// <param name="row">The row, counted from the top: boxes in even ones, labels in odd ones.</param>
/// <param name="left">How far it reaches to the left of its anchor.</param>
/// <param name="right">How far it reaches to the right of it.</param>
/// <param name="height">How high it is.</param>
internal sealed class LayoutItem(int row, int left, int right, int height)
{
    /// <summary>The row.</summary>
    public int Row => row;

    /// <summary>How far it reaches to the left of its anchor.</summary>
    public int Left => left;

    /// <summary>How far it reaches to the right of it.</summary>
    public int Right => right;

    /// <summary>How high it is.</summary>
    public int Height => height;

    /// <summary>Where it stands in its row.</summary>
    public int Position { get; set; }

    /// <summary>The column of its anchor, where a line passes; of a box, its middle.</summary>
    public int Anchor { get; set; }

    /// <summary>The links from the row above.</summary>
    public List<LayoutLink> Above { get; } = [];

    /// <summary>The links to the row below.</summary>
    public List<LayoutLink> Below { get; } = [];
}

/// <summary>A piece of an arrow, from one row to the next.</summary>
internal sealed class LayoutLink(LayoutItem upper, LayoutItem lower, bool isStraight)
{
    /// <summary>True where it should run straight down, whatever becomes of others.</summary>
    public bool IsStraight => isStraight;

    /// <summary>The item in the upper row.</summary>
    public LayoutItem Upper => upper;

    /// <summary>The item in the lower row.</summary>
    public LayoutItem Lower => lower;

    /// <summary>How far from the upper item's anchor it begins.</summary>
    public int UpperPort { get; set; }

    /// <summary>How far from the lower item's anchor it ends.</summary>
    public int LowerPort { get; set; }
}
