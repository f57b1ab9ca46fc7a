namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>A number for each cluster of a file, most of which are 0: pages of 256, of a byte each until one of them is larger.</summary>
internal sealed class ReferenceCounts
{
    private const int PageBits = 8;
    private const int PageLength = 1 << PageBits;

    private readonly Dictionary<long, Array> _pages = [];
    private long _lastKey = -1;
    private Array? _last;

    /// <summary>The numbers of the pages that are there, in order.</summary>
    public long[] Pages => [.. _pages.Keys.Order()];

    /// <summary>The first cluster of a page.</summary>
    public static long FirstOf(long page) => page << PageBits;

    /// <summary>The first cluster behind a page.</summary>
    public static long EndOf(long page) => (page + 1) << PageBits;

    /// <summary>The number of a cluster.</summary>
    public ulong Get(long cluster) => Find(cluster >> PageBits) switch
    {
        byte[] narrow => narrow[cluster & (PageLength - 1)],
        ulong[] wide => wide[cluster & (PageLength - 1)],
        _ => 0,
    };

    /// <summary>Sets the number of a cluster.</summary>
    public void Set(long cluster, ulong count)
    {
        long key = cluster >> PageBits;
        Array? page = Find(key);
        if (page is null && count == 0)
        {
            return;
        }

        if (page is null || (page is byte[] && count > byte.MaxValue))
        {
            page = Keep(key, count > byte.MaxValue ? Widen(page) : new byte[PageLength]);
        }

        int index = (int)(cluster & (PageLength - 1));
        if (page is byte[] narrow)
        {
            narrow[index] = (byte)count;
        }
        else
        {
            ((ulong[])page)[index] = count;
        }
    }

    /// <summary>Adds to the number of a cluster.</summary>
    public void Add(long cluster, ulong count) => Set(cluster, Get(cluster) + count);

    /// <summary>The clusters whose number is not 0, in order.</summary>
    public IEnumerable<long> Used()
    {
        foreach (long page in Pages)
        {
            for (long cluster = FirstOf(page); cluster < EndOf(page); cluster++)
            {
                if (Get(cluster) != 0)
                {
                    yield return cluster;
                }
            }
        }
    }

    private static ulong[] Widen(Array? page) => page is byte[] narrow ? Array.ConvertAll(narrow, static count => (ulong)count) : new ulong[PageLength];

    private Array? Find(long key)
    {
        if (key != _lastKey)
        {
            _lastKey = key;
            _last = _pages.GetValueOrDefault(key);
        }

        return _last;
    }

    private Array Keep(long key, Array page)
    {
        _pages[key] = page;
        _lastKey = key;
        return _last = page;
    }
}
