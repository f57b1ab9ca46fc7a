using System.Globalization;
using System.Runtime.InteropServices;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>
/// What was written to an image, by requests that may overlap in time and place, and so what each byte may be read as: what a write has left there that had
/// begun before the read ended, unless another write began after that one had ended and was over before the read began.
/// </summary>
/// <remarks>Every write has bytes of its own by place, so that a byte tells who wrote it, and one in a wrong place is nobody's. Zeros may be anybody's who zeroes.</remarks>
internal sealed class RequestHistory(byte[] initial)
{
    private const int TagCount = 251;
    private readonly List<Change> _changes = [];
    private byte[] _settled = initial;
    private long _now;
    private int _lastTag;

    /// <summary>The length of the image as far as everybody knows, in bytes.</summary>
    public int LengthBytes => _settled.Length;

    /// <summary>An instant later than every one before it.</summary>
    public long Now() => ++_now;

    /// <summary>A change of <paramref name="length"/> bytes from <paramref name="offset"/> on begins.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="isZero">True where it makes zeros.</param>
    /// <param name="mayLeave">True where it may leave any of the old bytes.</param>
    public Change Begin(int offset, int length, bool isZero, bool mayLeave = false)
    {
        Change change = new(isZero ? null : (_lastTag++ % TagCount), offset, length, mayLeave, Now());
        _changes.Add(change);
        return change;
    }

    /// <summary>It is acknowledged.</summary>
    public void End(Change change) => change.EndedAt = Now();

    /// <summary>The image is longer now, by zeros.</summary>
    public void GrowTo(int lengthBytes)
    {
        byte[] longer = new byte[lengthBytes];
        _settled.CopyTo(longer, 0);
        _settled = longer;
    }

    /// <summary>Nothing is under way, and the image holds <paramref name="bytes"/>, which were found to be right.</summary>
    public void Settle(byte[] bytes)
    {
        Assert.That(_changes, Has.All.Property(nameof(Change.IsOver)).True, "nothing is under way");
        _settled = bytes;
        _changes.Clear();
    }

    /// <summary>What is wrong with <paramref name="bytes"/>, read at <paramref name="offset"/> by a request that began at <paramref name="begunAt"/> and has just ended, or null.</summary>
    /// <param name="offset">Where they were read.</param>
    /// <param name="bytes">What was read.</param>
    /// <param name="begunAt">When the read began.</param>
    /// <param name="unitBytes">What is written whole or not at all, where a write covers it.</param>
    public string? FindFault(int offset, byte[] bytes, long begunAt, int unitBytes)
    {
        List<Change> near = _changes.FindAll(change => change.Offset < offset + bytes.Length && change.End > offset);
        SortedSet<int> cuts = [offset, offset + bytes.Length];
        foreach (Change change in near)
        {
            cuts.Add(Math.Max(change.Offset, offset));
            cuts.Add(Math.Min(change.End, offset + bytes.Length));
        }

        int from = offset;
        foreach (int to in cuts)
        {
            List<Change> covering = near.FindAll(change => change.Offset <= from && change.End >= to);
            if (FindStranger(bytes.AsSpan(from - offset, to - from), from, covering, begunAt) is { } fault)
            {
                return fault;
            }

            from = to;
        }

        return FindTear(offset, bytes, near, begunAt, unitBytes);
    }

    private string? FindStranger(ReadOnlySpan<byte> bytes, int offset, List<Change> covering, long begunAt)
    {
        List<Change> possible = Possible(covering, begunAt);
        bool mayBeOld = MayBeOld(covering, begunAt);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!(mayBeOld && bytes[i] == _settled[offset + i]) && !Contains(possible, offset + i, bytes[i]))
            {
                return string.Create(CultureInfo.InvariantCulture, $"byte {offset + i} is 0x{bytes[i]:x2}; it may be {(mayBeOld ? $"the old 0x{_settled[offset + i]:x2}, " : "")}{Describe(possible, offset + i)}");
            }
        }

        return null;
    }

    // Units that every possible writer covers wholly are all of one of them; a discard may leave any part.
    private string? FindTear(int offset, byte[] bytes, List<Change> near, long begunAt, int unitBytes)
    {
        if (unitBytes == 1)
        {
            return null;
        }

        for (int unit = (offset + unitBytes - 1) / unitBytes * unitBytes; unit + unitBytes <= offset + bytes.Length; unit += unitBytes)
        {
            List<Change> touching = near.FindAll(change => change.Offset < unit + unitBytes && change.End > unit);
            if (touching.Count == 0 || touching.Exists(change => change.MayLeave || change.Offset > unit || change.End < unit + unitBytes))
            {
                continue;
            }

            ReadOnlySpan<byte> actual = bytes.AsSpan(unit - offset, unitBytes);
            bool isWhole = MayBeOld(touching, begunAt) && actual.SequenceEqual(_settled.AsSpan(unit, unitBytes));
            foreach (Change change in CollectionsMarshal.AsSpan(Possible(touching, begunAt)))
            {
                isWhole = isWhole || actual.SequenceEqual(change.Bytes(unit, unitBytes));
            }

            if (!isWhole)
            {
                return string.Create(CultureInfo.InvariantCulture, $"the {unitBytes} bytes at {unit} are torn: not all of one of {Describe(touching, unit)}");
            }
        }

        return null;
    }

    private static List<Change> Possible(List<Change> covering, long begunAt) =>
        covering.FindAll(change => !covering.Exists(later => !later.MayLeave && later.BegunAt > change.EndedAt && later.EndedAt < begunAt));

    private static bool MayBeOld(List<Change> covering, long begunAt) => !covering.Exists(change => !change.MayLeave && change.EndedAt < begunAt);

    private static bool Contains(List<Change> possible, int place, byte value)
    {
        foreach (Change change in CollectionsMarshal.AsSpan(possible))
        {
            if (change.ByteAt(place) == value)
            {
                return true;
            }
        }

        return false;
    }

    private static string Describe(List<Change> changes, int place) =>
        string.Join(", ", changes.Select(change => string.Create(CultureInfo.InvariantCulture, $"0x{change.ByteAt(place):x2} of {change.Offset}+{change.End - change.Offset} [{change.BegunAt}..{(change.IsOver ? change.EndedAt : 0)}]")));

    /// <summary>One request that changes bytes.</summary>
    internal sealed class Change(int? tag, int offset, int length, bool mayLeave, long begunAt)
    {
        public int Offset => offset;

        public int End => offset + length;

        public bool MayLeave => mayLeave;

        public long BegunAt => begunAt;

        public long EndedAt { get; set; } = long.MaxValue;

        public bool IsOver => EndedAt != long.MaxValue;

        /// <summary>What it leaves at a place.</summary>
        public byte ByteAt(int place) => tag is { } mine ? (byte)(1 + ((mine + (place * 7) + (place / 250 * 13)) % TagCount)) : (byte)0;

        /// <summary>What it leaves in a range.</summary>
        public byte[] Bytes(int from, int count)
        {
            byte[] bytes = new byte[count];
            for (int i = 0; i < count && tag is not null; i++)
            {
                bytes[i] = ByteAt(from + i);
            }

            return bytes;
        }
    }
}
