using BlockGraph.Tools.GraphView;
using BlockGraph.Tools.GraphView.Layout;

namespace BlockGraph.Tools.Tests;

/// <summary>The promises of the layout, over every shape of <see cref="GraphPictures"/>.</summary>
[TestFixture]
internal sealed class GraphLayoutTests
{
    private const double Rounding = 1e-6;

    [TestCaseSource(typeof(GraphPictures), nameof(GraphPictures.Shapes))]
    public void Nothing_overlaps_and_all_is_on_the_page(GraphPicture picture)
    {
        LayeredLayout layout = GraphSvg.LayOut(picture);
        LayoutBox[] boxes = [.. layout.Boxes, .. layout.Labels];
        for (int i = 0; i < boxes.Length; i++)
        {
            Assert.That(boxes[i].X >= 0 && boxes[i].Y >= 0 && boxes[i].Right <= layout.Width && boxes[i].Bottom <= layout.Height, Is.True, $"on the page: {boxes[i]}");
            for (int j = 0; j < i; j++)
            {
                bool isApart = boxes[i].Right <= boxes[j].X || boxes[j].Right <= boxes[i].X || boxes[i].Bottom <= boxes[j].Y || boxes[j].Bottom <= boxes[i].Y;
                Assert.That(isApart, Is.True, $"{boxes[i]} and {boxes[j]}");
            }
        }
    }

    [TestCaseSource(typeof(GraphPictures), nameof(GraphPictures.Shapes))]
    public void Arrows_lead_down_from_their_parent_to_their_child(GraphPicture picture)
    {
        LayeredLayout layout = GraphSvg.LayOut(picture);
        for (int i = 0; i < picture.Edges.Count; i++)
        {
            LayoutBox from = layout.Boxes[picture.Edges[i].From];
            LayoutBox to = layout.Boxes[picture.Edges[i].To];
            IReadOnlyList<LayoutPoint> route = layout.Routes[i];
            Assert.That(route.Zip(route.Skip(1)).All(pair => pair.First.Y <= pair.Second.Y), Is.True, $"edge {i} never rises");
            Assert.That(from.Bottom, Is.LessThan(to.Y), $"edge {i}: the child is lower");
            Assert.That((route[0].Y, route[^1].Y), Is.EqualTo((from.Bottom, to.Y)), $"edge {i} joins them");
            Assert.That(route[0].X > from.X && route[0].X < from.Right && route[^1].X > to.X && route[^1].X < to.Right, Is.True, $"edge {i} meets both");
        }
    }

    [TestCaseSource(typeof(GraphPictures), nameof(GraphPictures.Shapes))]
    public void No_arrow_passes_through_a_box_or_a_label(GraphPicture picture)
    {
        LayeredLayout layout = GraphSvg.LayOut(picture);
        LayoutBox[] boxes = [.. layout.Boxes, .. layout.Labels];
        for (int i = 0; i < picture.Edges.Count; i++)
        {
            foreach ((double x, double y) in PointsOf(layout.Routes[i]))
            {
                Assert.That(boxes.Any(box => x > box.X + Rounding && x < box.Right - Rounding && y > box.Y + Rounding && y < box.Bottom - Rounding), Is.False, $"edge {i} at {x}, {y}");
            }
        }
    }

    [TestCaseSource(typeof(GraphPictures), nameof(GraphPictures.Shapes))]
    public void The_same_graph_is_always_the_same_picture(GraphPicture picture)
    {
        string[] first = [Text(GraphSvg.Print, picture), Text(GraphDot.Print, picture), Text(GraphMermaid.Print, picture)];
        string[] second = [Text(GraphSvg.Print, picture), Text(GraphDot.Print, picture), Text(GraphMermaid.Print, picture)];
        Assert.That(second, Is.EqualTo(first), "to the byte");
    }

    [Test]
    public void A_chain_is_one_straight_line()
    {
        LayeredLayout layout = GraphSvg.LayOut(GraphPictures.Chain);
        Assert.That(layout.Routes.SelectMany(route => route).Select(point => point.X).Distinct().Count(), Is.EqualTo(1), "one column");
    }

    [Test]
    public void A_backing_chain_is_a_spine_with_its_files_beside_it()
    {
        LayeredLayout layout = GraphSvg.LayOut(GraphPictures.Backing);
        int[] spine = [0, 2, 4];
        Assert.That(spine.SelectMany(edge => layout.Routes[edge]).Select(point => point.X).Distinct().Count(), Is.EqualTo(1), "root, backing and backing: one column");
        int column = layout.Routes[0][0].X;
        Assert.That(new[] { 2, 4 }.Select(box => layout.Boxes[box]).All(box => box.Right <= column || box.X >= column), Is.True, "the files of the overlays are beside it");
    }

    [Test]
    public void A_parent_stands_over_the_middle_of_its_children()
    {
        LayeredLayout layout = GraphSvg.LayOut(GraphPictures.Fan);
        LayoutBox parent = layout.Boxes[1];
        LayoutBox[] children = [.. layout.Boxes.Skip(2)];
        Assert.That(children.Select(child => child.Y).Distinct().Count(), Is.EqualTo(1), "in one row");
        Assert.That(children.Select(child => child.X), Is.Ordered, "in the order of the edges");
        int middle = (children[0].X + children[^1].Right) / 2;
        Assert.That((parent.X + parent.Right) / 2, Is.EqualTo(middle).Within(40), "over their middle");
    }

    [Test]
    public void Siblings_are_ordered_so_that_few_lines_cross()
    {
        // a -> x, b -> y, but y is mentioned first: without ordering the lines would cross
        LayoutItem[] items = [.. Enumerable.Range(0, 4).Select(i => new LayoutItem(i / 2, 5, 5, 10))];
        Link(items[0], items[3]);
        Link(items[1], items[2]);
        List<LayoutItem>[] rows = [[items[0], items[1]], [items[2], items[3]]];
        LayerOrder.Improve(rows);
        Assert.That(rows[1], Is.EqualTo(new[] { items[3], items[2] }), "turned round");
        Assert.That(LayerOrder.CountCrossings(rows), Is.Zero, "nothing crosses");
    }

    [Test]
    public void A_node_that_nobody_uses_stands_just_above_its_child()
    {
        // user -> a -> b -> c <- stray
        LayoutEdge[] edges = [new(0, 1, default), new(1, 2, default), new(2, 3, default), new(4, 3, default)];
        Assert.That(LayerAssignment.Compute(6, edges, box => box == 0), Is.EqualTo(new[] { 0, 1, 2, 3, 2, 1 }), "and one without edges below the users");
    }

    [Test]
    public void Text_is_measured_shortened_and_wrapped()
    {
        Assert.That(TextWidth.Of("", 11), Is.Zero, "nothing");
        Assert.That(TextWidth.Of("WW", 10), Is.GreaterThan(TextWidth.Of("ii", 10)), "letters differ");
        Assert.That(TextWidth.Of("name", 10, isBold: true), Is.GreaterThan(TextWidth.Of("name", 10)), "bold is wider");
        Assert.That(TextWidth.Of("磁盘", 10), Is.GreaterThanOrEqualTo(20), "a square each");
        string shorter = TextWidth.Shorten(new string('a', 100) + "end", 10, 100);
        Assert.That(shorter, Does.StartWith("aaa").And.Contain("…").And.EndWith("end"), "both ends stay");
        Assert.That(TextWidth.Of(shorter, 10), Is.InRange(80, 100), "and fit");
        Assert.That(TextWidth.Shorten("short", 10, 100), Is.EqualTo("short"), "what fits stays");
        Assert.That(TextWidth.Shorten("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 10, 60).Replace("…", "", StringComparison.Ordinal).Replace("👩‍👩‍👧", "", StringComparison.Ordinal), Is.Empty, "no character is cut in two");
        Assert.That(TextWidth.Shorten("wide", 10, 1), Is.EqualTo("…"), "no room at all");
        Assert.That(TextWidth.Wrap("one two three", 10, TextWidth.Of("one two", 10)), Is.EqualTo(new[] { "one two", "three" }), "at blanks");
        Assert.That(TextWidth.Wrap("unbreakable", 10, 5), Is.EqualTo(new[] { "unbreakable" }), "a word stays whole");
    }

    private static string Text(Action<TextWriter, GraphPicture> print, GraphPicture picture)
    {
        using StringWriter text = new();
        print(text, picture);
        return text.ToString();
    }

    private static void Link(LayoutItem upper, LayoutItem lower)
    {
        LayoutLink link = new(upper, lower, isStraight: false);
        upper.Below.Add(link);
        lower.Above.Add(link);
    }

    // What the drawing does with a route: a straight line, or a curve that begins and ends vertically, from point to point.
    private static IEnumerable<(double X, double Y)> PointsOf(IReadOnlyList<LayoutPoint> route)
    {
        const int Steps = 24;
        foreach ((LayoutPoint from, LayoutPoint to) in route.Zip(route.Skip(1)))
        {
            double middle = (from.Y + to.Y) / 2;
            for (int step = 1; step < Steps; step++)
            {
                double t = (double)step / Steps;
                double u = 1 - t;
                double x = ((u * u * u) + (3 * u * u * t)) * from.X + (((3 * u * t * t) + (t * t * t)) * to.X);
                double y = (u * u * u * from.Y) + (((3 * u * u * t) + (3 * u * t * t)) * middle) + (t * t * t * to.Y);
                yield return (x, y);
            }
        }
    }
}
