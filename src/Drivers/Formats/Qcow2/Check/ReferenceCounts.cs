namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// A number for each cluster of a window, most of which are 0 or 1, in pages. So a file of 1 TiB in clusters of 64 KiB takes 4 MiB. Clusters outside the window are not counted, and have
/// the number 0.
/// </summary>
internal sealed class ReferenceCounts
{
    private readonly int _pageBits;
    private readonly Dictionary<long, CountPage> _pages = [];
    private long _lastKey = -1;
    private CountPage? _last;

    public ReferenceCounts(CountWindow window)
    {
        Window = window;
        _pageBits = window.PageBits;
        window.Add(this);
    }

    /// <summary>The clusters that are counted.</summary>
    public CountWindow Window { get; }

    /// <summary>The numbers of the pages that are there, in order.</summary>
    public long[] Pages => [.. _pages.Keys.Order()];

    /// <summary>The page of a cluster.</summary>
    public long PageOf(long cluster) => cluster >> _pageBits;

    /// <summary>The first cluster of a page.</summary>
    public long FirstOf(long page) => page << _pageBits;

    /// <summary>The first cluster behind a page.</summary>
    public long EndOf(long page) => (page + 1) << _pageBits;

    /// <summary>The number of a cluster.</summary>
    public ulong Get(long cluster) => Find(PageOf(cluster)) is { } page ? RefcountBits.Get(page.Numbers, IndexOf(cluster), page.Order) : 0;

    /// <summary>Sets the number of a cluster.</summary>
    public void Set(long cluster, ulong count)
    {
        long key = PageOf(cluster);
        CountPage? page = Find(key);
        if (!Window.Contains(cluster) || (page is null && count == 0))
        {
            return;
        }

        long bytesBefore = page is null || page.IsShared ? 0 : page.MemoryBytes;
        if (page is null || page.IsShared)
        {
            page = Put(key, page?.Copy() ?? new CountPage(_pageBits));
        }

        page.MakeRoomFor(count);
        RefcountBits.Set(page.Numbers, IndexOf(cluster), page.Order, count);
        if (page.MemoryBytes != bytesBefore)
        {
            Window.Take(page.MemoryBytes - bytesBefore);
        }
    }

    /// <summary>Whether all numbers of a page are those of <paramref name="other"/>, if that is seen at once; and the last cluster that has one.</summary>
    public bool IsSame(ReferenceCounts other, long page, out long lastUsed)
    {
        lastUsed = -1;
        if (Find(page) is not { } mine || other.Find(page) is not { } its || !mine.IsSame(its))
        {
            return false;
        }

        int index = mine.LastUsed();
        lastUsed = index < 0 ? -1 : FirstOf(page) + index;
        return true;
    }

    /// <summary>Keeps one page of both where all its numbers are the same in <paramref name="other"/>, until one of the two is changed.</summary>
    public void Share(ReferenceCounts other, long page)
    {
        if (Find(page) is { } mine && other.Find(page) is { } its && mine.IsSame(its))
        {
            its.IsShared = true;
            Put(page, its);
            Window.Take(ReferenceEquals(mine, its) ? 0 : -mine.MemoryBytes);
        }
    }

    /// <summary>The number of a cluster is about to come.</summary>
    public void MakeRoomFor(long cluster)
    {
        if (Window.Contains(cluster) && Find(PageOf(cluster)) is null)
        {
            Window.Take(Put(PageOf(cluster), new CountPage(_pageBits)).MemoryBytes);
        }
    }

    /// <summary>Forgets a page.</summary>
    /// <returns>What was forgotten; null where nothing was there.</returns>
    public CountPage? Drop(long page)
    {
        (_lastKey, _last) = (-1, null);
        return _pages.Remove(page, out CountPage? dropped) ? dropped : null;
    }

    /// <summary>Adds to the number of a cluster.</summary>
    public void Add(long cluster, ulong count) => Set(cluster, Get(cluster) + count);

    /// <summary>True where the number of a cluster from <paramref name="first"/> on, before <paramref name="end"/>, is not 0. All of them are in one page.</summary>
    public bool HasUsed(long first, long end) => NextUsed(PageOf(first), first) < end;

    /// <summary>The first cluster behind all whose number is not 0.</summary>
    public long FindEnd()
    {
        long end = 0;
        foreach ((long key, CountPage page) in _pages)
        {
            end = FirstOf(key) >= end && page.LastUsed() is >= 0 and int last ? FirstOf(key) + last + 1 : end;
        }

        return end;
    }

    private long NextUsed(long page, long cluster) =>
        Find(page) is { } found ? FirstOf(page) + RefcountBits.IndexOfUsed(found.Numbers, (int)(cluster - FirstOf(page)), 1 << _pageBits, found.Order) : EndOf(page);

    private int IndexOf(long cluster) => (int)(cluster & ((1L << _pageBits) - 1));

    private CountPage? Find(long key)
    {
        if (key != _lastKey)
        {
            _lastKey = key;
            _last = _pages.GetValueOrDefault(key);
        }

        return _last;
    }

    private CountPage Put(long key, CountPage page)
    {
        _pages[key] = page;
        _lastKey = key;
        return _last = page;
    }
}
