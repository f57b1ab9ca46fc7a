namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>How much room something takes, in pixels.</summary>
internal readonly record struct LayoutSize(int Width, int Height);

/// <summary>An arrow to be laid out: from one box down to another, with a label beside it.</summary>
/// <param name="From">The index of the upper box.</param>
/// <param name="To">The index of the lower box.</param>
/// <param name="Label">The room that its label takes.</param>
/// <param name="IsStraight">It continues a chain: it runs straight down, and what else its boxes are joined with stands beside it.</param>
internal readonly record struct LayoutEdge(int From, int To, LayoutSize Label, bool IsStraight = false);

/// <summary>Where something lies: its corner at the upper left, and its size, in pixels.</summary>
internal readonly record struct LayoutBox(int X, int Y, int Width, int Height)
{
    /// <summary>The first column to the right of it.</summary>
    public int Right => X + Width;

    /// <summary>The first row below it.</summary>
    public int Bottom => Y + Height;
}

/// <summary>A point of a line, in pixels.</summary>
internal readonly record struct LayoutPoint(int X, int Y);
