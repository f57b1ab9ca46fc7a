namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Hands out the dense, recycled numbers of contexts, smallest first.</summary>
internal static class ContextIds
{
    private static readonly Lock s_lock = new();
    private static readonly SortedSet<int> s_free = [];
    private static int s_next;

    public static int Take()
    {
        lock (s_lock)
        {
            if (s_free.Count == 0)
            {
                return s_next++;
            }

            int id = s_free.Min;
            s_free.Remove(id);
            return id;
        }
    }

    public static void Return(int id)
    {
        lock (s_lock)
        {
            s_free.Add(id);
        }
    }
}
