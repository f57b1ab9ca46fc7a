using System.Numerics;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// The clusters that one pass over an image counts: from the first on, all that there is room for. Where their numbers come to take more, those of the last clusters are forgotten; the
/// next pass begins there.
/// </summary>
/// <param name="first">The first cluster, of a whole page.</param>
/// <param name="bytesMax">How much memory the numbers may take. One page of each kind is there whatever it takes.</param>
internal sealed class CountWindow(long first, long bytesMax)
{
    // A page takes no more than a small part of the memory, and a byte of the narrowest counts at least.
    private const int PageBitsMin = 3;
    private const int PageBitsMax = 12;
    private const int PagesBits = 12;

    private readonly List<ReferenceCounts> _counts = [];
    private long _bytes;

    /// <summary>The binary logarithm of how many clusters a page has.</summary>
    public int PageBits { get; } = Math.Clamp(BitOperations.Log2((ulong)Math.Max(1, bytesMax)) - PagesBits, PageBitsMin, PageBitsMax);

    /// <summary>The first cluster.</summary>
    public long First => first;

    /// <summary>The first cluster behind it.</summary>
    public long End { get; private set; } = long.MaxValue;

    /// <summary>No cluster is behind it.</summary>
    public bool IsLast => End == long.MaxValue;

    /// <summary>It stays as it is, whatever the numbers come to take: something was said or done that holds for its clusters.</summary>
    public bool IsFixed { get; set; }

    /// <summary>A cluster is counted in this pass.</summary>
    public bool Contains(long cluster) => cluster >= first && cluster < End;

    /// <summary>These numbers are forgotten behind its end.</summary>
    public void Add(ReferenceCounts counts) => _counts.Add(counts);

    /// <summary>The numbers take so much more than before.</summary>
    public void Take(long bytes)
    {
        _bytes += bytes;
        if (_bytes > bytesMax && !IsFixed)
        {
            Narrow();
        }
    }

    // A quarter more than is needed: going through all pages for each one that is new would take long.
    private void Narrow()
    {
        long[] pages = [.. _counts.SelectMany(static counts => counts.Pages).Distinct().Order()];
        for (int i = pages.Length - 1; i > 0 && _bytes > bytesMax - (bytesMax / 4); i--)
        {
            _bytes -= _counts.Select(counts => counts.Drop(pages[i])).OfType<CountPage>().Distinct().Sum(static page => page.MemoryBytes);
            End = pages[i] << PageBits;
        }

        Invariant.Check(End > first);
    }
}
