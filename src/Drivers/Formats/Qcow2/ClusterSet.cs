using System.Numerics;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Clusters of a file: a bit each, in pages of 4096 where there is one.</summary>
internal sealed class ClusterSet
{
    private const int PageBits = 12;
    private const int PageMask = (1 << PageBits) - 1;
    private const int WordBits = 6;

    private readonly Dictionary<long, ulong[]> _pages = [];
    private long _lastKey = -1;
    private ulong[]? _last;

    /// <summary>True where a cluster is one of them.</summary>
    public bool Contains(long cluster) => Find(cluster >> PageBits) is { } page && (page[WordOf(cluster)] & BitOf(cluster)) != 0;

    /// <summary>A cluster is one of them now.</summary>
    public void Add(long cluster)
    {
        ulong[]? page = Find(cluster >> PageBits);
        if (page is null)
        {
            _last = page = new ulong[1 << (PageBits - WordBits)];
            _pages.Add(_lastKey, page);
        }

        page[WordOf(cluster)] |= BitOf(cluster);
    }

    /// <summary>It is none any more.</summary>
    public void Remove(long cluster)
    {
        if (Find(cluster >> PageBits) is { } page)
        {
            page[WordOf(cluster)] &= ~BitOf(cluster);
        }
    }

    /// <summary>All of them, in order: those that lie one behind the other together.</summary>
    public IEnumerable<(long First, long Count)> Runs()
    {
        (long First, long Count) run = default;
        foreach (long key in _pages.Keys.Order())
        {
            ulong[] page = _pages[key];
            for (int at = Next(page, 0, isIn: true); at <= PageMask;)
            {
                int end = Next(page, at, isIn: false);
                long first = (key << PageBits) + at;
                if (run.Count > 0 && run.First + run.Count != first)
                {
                    yield return run;
                    run = default;
                }

                run = run.Count > 0 ? (run.First, run.Count + end - at) : (first, end - at);
                at = Next(page, end, isIn: true);
            }
        }

        if (run.Count > 0)
        {
            yield return run;
        }
    }

    private ulong[]? Find(long key)
    {
        if (key != _lastKey)
        {
            _lastKey = key;
            _last = _pages.GetValueOrDefault(key);
        }

        return _last;
    }

    // The first place from `at` on that is in the set, or is not; the page's end where there is none.
    private static int Next(ulong[] page, int at, bool isIn)
    {
        ulong mask = ulong.MaxValue << (at & 63);
        for (int word = at >> WordBits; word < page.Length; word++, mask = ulong.MaxValue)
        {
            if (((isIn ? page[word] : ~page[word]) & mask) is not 0 and ulong bits)
            {
                return (word << WordBits) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return PageMask + 1;
    }

    private static int WordOf(long cluster) => (int)(cluster & PageMask) >> WordBits;

    private static ulong BitOf(long cluster) => 1UL << (int)(cluster & 63);
}
