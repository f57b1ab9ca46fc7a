namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>A number for each cluster of a file, most of which are 0: pages of 256, of a byte each until one of them is larger.</summary>
internal sealed class ReferenceCounts
{
    private const int PageBits = 8;
    private const int PageLength = 1 << PageBits;

    private readonly Dictionary<long, Page> _pages = [];
    private long _lastKey = -1;
    private Page? _last;

    /// <summary>The numbers of the pages that are there, in order.</summary>
    public long[] Pages => [.. _pages.Keys.Order()];

    /// <summary>The first cluster of a page.</summary>
    public static long FirstOf(long page) => page << PageBits;

    /// <summary>The first cluster behind a page.</summary>
    public static long EndOf(long page) => (page + 1) << PageBits;

    /// <summary>The number of a cluster.</summary>
    public ulong Get(long cluster)
    {
        int index = (int)(cluster & (PageLength - 1));
        return Find(cluster >> PageBits) is not { } page ? 0 : page.Wide is { } wide ? wide[index] : page.Narrow[index];
    }

    /// <summary>Sets the number of a cluster.</summary>
    public void Set(long cluster, ulong count)
    {
        long key = cluster >> PageBits;
        Page? page = Find(key);
        if (page is null && count == 0)
        {
            return;
        }

        page ??= Add(key);
        int index = (int)(cluster & (PageLength - 1));
        if (page.Wide is null && count > byte.MaxValue)
        {
            page.Wide = Array.ConvertAll(page.Narrow, static narrow => (ulong)narrow);
        }

        if (page.Wide is { } wide)
        {
            wide[index] = count;
        }
        else
        {
            page.Narrow[index] = (byte)count;
        }
    }

    /// <summary>Whether all numbers of a page are those of <paramref name="other"/>, if that is seen at once; and the last cluster that has one.</summary>
    public bool IsSame(ReferenceCounts other, long page, out long lastUsed)
    {
        lastUsed = -1;
        if (Find(page) is not { Wide: null } mine || other.Find(page) is not { Wide: null } its || !mine.Narrow.AsSpan().SequenceEqual(its.Narrow))
        {
            return false;
        }

        int index = mine.Narrow.AsSpan().LastIndexOfAnyExcept((byte)0);
        lastUsed = index < 0 ? -1 : FirstOf(page) + index;
        return true;
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

    private Page? Find(long key)
    {
        if (key != _lastKey)
        {
            _lastKey = key;
            _last = _pages.GetValueOrDefault(key);
        }

        return _last;
    }

    private Page Add(long key)
    {
        Page page = new();
        _pages[key] = page;
        _lastKey = key;
        return _last = page;
    }

    // Of a byte each, until one of them is larger.
    private sealed class Page
    {
        public byte[] Narrow { get; } = new byte[PageLength];

        public ulong[]? Wide { get; set; }
    }
}
