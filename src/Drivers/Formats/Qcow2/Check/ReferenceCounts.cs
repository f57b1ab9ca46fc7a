namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// A number for each cluster of a file, most of which are 0 or 1: pages of 1024, of two bits each until one of them is larger than 3, of a byte each until one is
/// larger than 255. So a file of 1 TiB in clusters of 64 KiB takes 4 MiB.
/// </summary>
internal sealed class ReferenceCounts
{
    private const int PageBits = 10;
    private const int PageLength = 1 << PageBits;

    // Binary logarithms of widths in bits.
    private const int NarrowOrder = 1;
    private const int ByteOrder = 3;
    private const int WideOrder = 6;

    private readonly Dictionary<long, Page> _pages = [];
    private long _lastKey = -1;
    private Page? _last;

    /// <summary>The numbers of the pages that are there, in order.</summary>
    public long[] Pages => [.. _pages.Keys.Order()];

    /// <summary>The page of a cluster.</summary>
    public static long PageOf(long cluster) => cluster >> PageBits;

    /// <summary>The first cluster of a page.</summary>
    public static long FirstOf(long page) => page << PageBits;

    /// <summary>The first cluster behind a page.</summary>
    public static long EndOf(long page) => (page + 1) << PageBits;

    /// <summary>The number of a cluster.</summary>
    public ulong Get(long cluster) => Find(PageOf(cluster)) is { } page ? RefcountBits.Get(page.Numbers, (int)(cluster & (PageLength - 1)), page.Order) : 0;

    /// <summary>Sets the number of a cluster.</summary>
    public void Set(long cluster, ulong count)
    {
        long key = PageOf(cluster);
        Page? page = Find(key);
        if (page is null && count == 0)
        {
            return;
        }

        page ??= Add(key, new Page());
        if (page.IsShared)
        {
            page = Add(key, page.Copy());
        }

        page.MakeRoomFor(count);
        RefcountBits.Set(page.Numbers, (int)(cluster & (PageLength - 1)), page.Order, count);
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
            Add(page, its);
        }
    }

    /// <summary>Adds to the number of a cluster.</summary>
    public void Add(long cluster, ulong count) => Set(cluster, Get(cluster) + count);

    /// <summary>The clusters whose number is not 0, in order.</summary>
    public IEnumerable<long> Used()
    {
        foreach (long page in Pages)
        {
            for (long cluster = NextUsed(page, FirstOf(page)); cluster < EndOf(page); cluster = NextUsed(page, cluster + 1))
            {
                yield return cluster;
            }
        }
    }

    /// <summary>True where the number of a cluster from <paramref name="first"/> on, before <paramref name="end"/>, is not 0. All of them are in one page.</summary>
    public bool HasUsed(long first, long end) => NextUsed(PageOf(first), first) < end;

    /// <summary>The first cluster behind all whose number is not 0.</summary>
    public long FindEnd()
    {
        long end = 0;
        foreach ((long key, Page page) in _pages)
        {
            end = FirstOf(key) >= end && page.LastUsed() is >= 0 and int last ? FirstOf(key) + last + 1 : end;
        }

        return end;
    }

    private long NextUsed(long page, long cluster) =>
        Find(page) is { } found ? FirstOf(page) + RefcountBits.IndexOfUsed(found.Numbers, (int)(cluster - FirstOf(page)), PageLength, found.Order) : EndOf(page);

    private Page? Find(long key)
    {
        if (key != _lastKey)
        {
            _lastKey = key;
            _last = _pages.GetValueOrDefault(key);
        }

        return _last;
    }

    private Page Add(long key, Page page)
    {
        _pages[key] = page;
        _lastKey = key;
        return _last = page;
    }

    private sealed class Page
    {
        public int Order { get; private set; } = NarrowOrder;

        public byte[] Numbers { get; private set; } = new byte[PageLength >> (3 - NarrowOrder)];

        /// <summary>Others have it, too: it is not changed any more.</summary>
        public bool IsShared { get; set; }

        public Page Copy() => new() { Order = Order, Numbers = [.. Numbers] };

        public bool IsSame(Page other) => ReferenceEquals(this, other) || (Order == other.Order && Numbers.AsSpan().SequenceEqual(other.Numbers));

        public void MakeRoomFor(ulong count)
        {
            int order = count <= 3 ? NarrowOrder : count <= byte.MaxValue ? ByteOrder : WideOrder;
            if (order <= Order)
            {
                return;
            }

            byte[] wider = new byte[PageLength << order >> 3];
            for (int i = 0; i < PageLength; i++)
            {
                RefcountBits.Set(wider, i, order, RefcountBits.Get(Numbers, i, Order));
            }

            Order = order;
            Numbers = wider;
        }

        public int LastUsed()
        {
            int last = Numbers.AsSpan().LastIndexOfAnyExcept((byte)0);
            int index = last < 0 ? -1 : (int)((((last + 1L) << 3) - 1) >> Order);
            while (index >= 0 && RefcountBits.Get(Numbers, index, Order) == 0)
            {
                index--;
            }

            return index;
        }
    }
}
