namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>
/// Boxes and labels in rows, arrows downward between them: layers by the longest path, order by barycentres, columns by least squares.
/// <code>
///  row 0  boxes     [ user ]
///  row 1  labels        | root ...
///  row 2  boxes     [ node ]----+
///  row 3  labels        | file  | backing      an arrow over several rows has a point of its own in each row that it passes
/// </code>
/// </summary>
/// <remarks>Invariants: (1) nothing overlaps; (2) arrows lead downward; (3) no arrow passes through a box or a label; (4) equal input, equal output.</remarks>
internal sealed class LayeredLayout
{
    private const int Margin = 20;
    private const int ItemGap = 28;
    private const int PortGapMax = 30;
    private const int CornerMargin = 14;
    private const int LabelLeft = 5;
    private const int LabelGap = 7;
    private const int BendReach = 6;
    private const int RowGapMin = 16;
    private const int RowGapMax = 72;
    private const int ArrowRoom = 10;
    private readonly IReadOnlyList<LayoutEdge> _edges;
    private readonly LayoutItem[] _boxItems;
    private readonly LayoutItem[] _labelItems;
    private readonly List<List<LayoutItem>> _rows = [];
    private readonly int[] _rowTops;
    private readonly int[] _rowBottoms;

    private LayeredLayout(IReadOnlyList<LayoutSize> boxes, IReadOnlyList<LayoutEdge> edges, Func<int, bool> isPinned)
    {
        _edges = edges;
        int[] layers = LayerAssignment.Compute(boxes.Count, edges, isPinned);
        _boxItems = [.. boxes.Select((box, i) => Add(new LayoutItem(2 * layers[i], box.Width / 2, box.Width - (box.Width / 2), box.Height)))];
        _labelItems = [.. edges.Select(AddArrow)];
        LayerOrder.Improve(_rows);
        SetPorts();
        LayerPlacement.Place(_rows, ItemGap);
        _rowTops = new int[_rows.Count];
        _rowBottoms = new int[_rows.Count];
        StackRows();
        Centre();
        Boxes = [.. _boxItems.Select(item => BoxOf(item, 0))];
        Labels = [.. _labelItems.Select(item => BoxOf(item, LabelLeft + LabelGap))];
        Routes = [.. Enumerable.Range(0, edges.Count).Select(Route)];
    }

    /// <summary>The width of the picture, in pixels.</summary>
    public int Width { get; private set; }

    /// <summary>Its height, in pixels.</summary>
    public int Height { get; private set; }

    /// <summary>Where each box lies.</summary>
    public IReadOnlyList<LayoutBox> Boxes { get; }

    /// <summary>Where each arrow's label lies.</summary>
    public IReadOnlyList<LayoutBox> Labels { get; }

    /// <summary>
    /// Each arrow, as points of which the first and second, third and fourth and so on are joined by a vertical line, and those in between by a
    /// curve from row to row. It ends at the top of the lower box.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<LayoutPoint>> Routes { get; }

    /// <summary>Lays out <paramref name="boxes"/> joined by <paramref name="edges"/>.</summary>
    /// <param name="boxes">The size of each box.</param>
    /// <param name="edges">The arrows; they form no cycle.</param>
    /// <param name="isPinned">Whether a box without parents stays in the first row.</param>
    public static LayeredLayout Of(IReadOnlyList<LayoutSize> boxes, IReadOnlyList<LayoutEdge> edges, Func<int, bool> isPinned) => new(boxes, edges, isPinned);

    private LayoutItem Add(LayoutItem item)
    {
        while (_rows.Count <= item.Row)
        {
            _rows.Add([]);
        }

        _rows[item.Row].Add(item);
        return item;
    }

    // The label is in the first row below the parent; below it a point for each row that is passed.
    private LayoutItem AddArrow(LayoutEdge edge)
    {
        LayoutItem upper = _boxItems[edge.From];
        LayoutItem lower = _boxItems[edge.To];
        LayoutItem label = Add(new LayoutItem(upper.Row + 1, LabelLeft, LabelGap + edge.Label.Width, edge.Label.Height));
        Link(upper, label, edge.IsStraight);
        LayoutItem last = label;
        for (int row = label.Row + 1; row < lower.Row; row++)
        {
            LayoutItem bend = Add(new LayoutItem(row, BendReach, BendReach, 0));
            Link(last, bend, edge.IsStraight);
            last = bend;
        }

        Link(last, lower, edge.IsStraight);
        return label;
    }

    private static void Link(LayoutItem upper, LayoutItem lower, bool isStraight)
    {
        LayoutLink link = new(upper, lower, isStraight);
        upper.Below.Add(link);
        lower.Above.Add(link);
    }

    // Arrows leave and reach a box beside each other, in the order of where they go and come from.
    private void SetPorts()
    {
        foreach (LayoutItem box in _boxItems)
        {
            box.Above.Sort((a, b) => a.Upper.Position.CompareTo(b.Upper.Position));
            box.Below.Sort((a, b) => a.Lower.Position.CompareTo(b.Lower.Position));
            int[] above = Ports(box, box.Above);
            int[] below = Ports(box, box.Below);
            for (int i = 0; i < above.Length; i++)
            {
                box.Above[i].LowerPort = above[i];
            }

            for (int i = 0; i < below.Length; i++)
            {
                box.Below[i].UpperPort = below[i];
            }
        }
    }

    // Around the middle; the one that runs straight, where there is one, is in the middle itself.
    private static int[] Ports(LayoutItem box, List<LayoutLink> links)
    {
        int straight = links.Count(link => link.IsStraight) == 1 ? links.FindIndex(link => link.IsStraight) : -1;
        int doubledMiddle = straight >= 0 ? 2 * straight : links.Count - 1;
        int reach = Math.Max(doubledMiddle, (2 * (links.Count - 1)) - doubledMiddle);
        int room = Math.Max(0, box.Left + box.Right - (2 * CornerMargin));
        int span = Math.Min(room, PortGapMax * reach);
        return [.. Enumerable.Range(0, links.Count).Select(i => reach == 0 ? 0 : span * ((2 * i) - doubledMiddle) / (2 * reach))];
    }

    // The farther links run sideways, the more room they get to do so.
    private void StackRows()
    {
        int y = Margin;
        for (int row = 0; row < _rows.Count; row++)
        {
            _rowTops[row] = y;
            _rowBottoms[row] = y + _rows[row].Select(item => item.Height).DefaultIfEmpty(0).Max();
            int shift = _rows[row].SelectMany(item => item.Below).Select(Shift).DefaultIfEmpty(0).Max();
            y = _rowBottoms[row] + Math.Clamp(RowGapMin + (shift / 5), RowGapMin, RowGapMax) + (row % 2 == 1 ? ArrowRoom : 0);
        }

        Height = _rowBottoms.LastOrDefault(Margin) + Margin;
    }

    private static int Shift(LayoutLink link) => Math.Abs(link.Upper.Anchor + link.UpperPort - link.Lower.Anchor - link.LowerPort);

    private void Centre()
    {
        int left = _rows.SelectMany(row => row).Select(item => item.Anchor - item.Left).DefaultIfEmpty(0).Min();
        int right = _rows.SelectMany(row => row).Select(item => item.Anchor + item.Right).DefaultIfEmpty(0).Max();
        foreach (LayoutItem item in _rows.SelectMany(row => row))
        {
            item.Anchor += Margin - left;
        }

        Width = right - left + (2 * Margin);
    }

    private LayoutBox BoxOf(LayoutItem item, int inset) =>
        new(item.Anchor - item.Left + inset, _rowTops[item.Row], item.Left + item.Right - inset, item.Height);

    private List<LayoutPoint> Route(int edge)
    {
        LayoutItem from = _boxItems[_edges[edge].From];
        LayoutItem to = _boxItems[_edges[edge].To];
        LayoutLink link = from.Below.Find(l => ReferenceEquals(l.Lower, _labelItems[edge]))!;
        int x = from.Anchor + link.UpperPort;
        List<LayoutPoint> points = [new(x, _rowTops[from.Row] + from.Height), new(x, _rowBottoms[from.Row])];
        while (!ReferenceEquals(link.Lower, to))
        {
            LayoutItem item = link.Lower;
            points.Add(new LayoutPoint(item.Anchor, _rowTops[item.Row]));
            points.Add(new LayoutPoint(item.Anchor, _rowBottoms[item.Row]));
            link = item.Below[0];
        }

        x = to.Anchor + link.LowerPort;
        points.Add(new LayoutPoint(x, _rowTops[to.Row] - ArrowRoom));
        points.Add(new LayoutPoint(x, _rowTops[to.Row]));
        return points;
    }
}
