using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.GraphView.Layout;

/// <summary>Gives every box a layer below those of all its parents: one more than the deepest of them, by the longest path.</summary>
internal static class LayerAssignment
{
    /// <summary>The layer of each of <paramref name="boxCount"/> boxes, counted from the top.</summary>
    /// <param name="boxCount">How many boxes there are.</param>
    /// <param name="edges">The arrows; they form no cycle.</param>
    /// <param name="isPinned">Whether a box without parents stays in the first layer; any other comes down to just above its children.</param>
    public static int[] Compute(int boxCount, IReadOnlyList<LayoutEdge> edges, Func<int, bool> isPinned)
    {
        int[] layers = new int[boxCount];
        int[] waitsFor = new int[boxCount];
        ILookup<int, int> children = edges.ToLookup(edge => edge.From, edge => edge.To);
        foreach (LayoutEdge edge in edges)
        {
            waitsFor[edge.To]++;
        }

        // Boxes that nobody uses and that are no users themselves begin below the row of users.
        bool hasPinned = Enumerable.Range(0, boxCount).Any(isPinned);
        int[] tops = [.. Enumerable.Range(0, boxCount).Where(box => waitsFor[box] == 0)];
        foreach (int top in tops)
        {
            layers[top] = hasPinned && !isPinned(top) ? 1 : 0;
        }

        Queue<int> ready = new(tops);
        int doneCount = 0;
        while (ready.TryDequeue(out int box))
        {
            doneCount++;
            foreach (int child in children[box])
            {
                layers[child] = Math.Max(layers[child], layers[box] + 1);
                if (--waitsFor[child] == 0)
                {
                    ready.Enqueue(child);
                }
            }
        }

        Invariant.Check(doneCount == boxCount);
        foreach (int top in tops.Where(top => !isPinned(top) && children[top].Any()))
        {
            layers[top] = children[top].Min(child => layers[child]) - 1;
        }

        return layers;
    }
}
