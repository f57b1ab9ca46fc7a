namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every byte of an image must be, by what was written to it; and, for a loss of power, what each could be by what was written since the
/// last flush. Each write has a number and a pattern of its own, so that a byte in a wrong place shows.
/// </summary>
internal sealed class ByteModel
{
    /// <summary>The most writes between two flushes.</summary>
    public const int WritesMax = 64;

    private readonly byte[] _now;
    private readonly byte[] _durable;

    // By place: which of the writes since the last flush could have left its bytes there.
    private readonly ulong[] _since;
    private readonly List<byte?> _tags = [];
    private byte _lastTag;

    /// <summary>An image that holds <paramref name="initial"/>, durably.</summary>
    public ByteModel(byte[] initial)
    {
        _now = (byte[])initial.Clone();
        _durable = (byte[])initial.Clone();
        _since = new ulong[initial.Length];
    }

    private ByteModel(ByteModel other)
    {
        _now = (byte[])other._now.Clone();
        _durable = (byte[])other._durable.Clone();
        _since = (ulong[])other._since.Clone();
        _tags = [.. other._tags];
    }

    /// <summary>The length of the image.</summary>
    public int Length => _now.Length;

    /// <summary>How many writes there were since the last flush.</summary>
    public int WriteCount => _tags.Count;

    /// <summary>What a part of the image holds now.</summary>
    public byte[] Now(int offset, int length) => _now.AsSpan(offset, length).ToArray();

    /// <summary>A write begins: from now on its range may hold its bytes. Its number.</summary>
    public int Begin(int offset, int length, bool isZero)
    {
        _tags.Add(isZero ? null : unchecked(++_lastTag));
        int write = _tags.Count - 1;
        foreach (ref ulong since in _since.AsSpan(offset, length))
        {
            since |= 1UL << write;
        }

        return write;
    }

    /// <summary>The bytes that a write has for a range.</summary>
    public byte[] BytesOf(int write, int offset, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = ByteOf(write, offset + i);
        }

        return bytes;
    }

    /// <summary>A write has succeeded.</summary>
    public void Complete(int write, int offset, int length) => BytesOf(write, offset, length).CopyTo(_now, offset);

    /// <summary>A write has failed, or may do less than it was asked to: each byte is the old one or the new one. What is the matter with them, or null.</summary>
    public string? Adopt(int write, int offset, byte[] actual)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            if (actual[i] != _now[offset + i] && actual[i] != ByteOf(write, offset + i))
            {
                return $"byte {offset + i} is 0x{actual[i]:x2}, neither the old 0x{_now[offset + i]:x2} nor the new 0x{ByteOf(write, offset + i):x2}";
            }
        }

        actual.CopyTo(_now, offset);
        return null;
    }

    /// <summary>Everything that had completed is durable, and nothing was under way.</summary>
    public void Flushed()
    {
        _now.CopyTo(_durable, 0);
        Array.Clear(_since);
        _tags.Clear();
    }

    /// <summary>The model as it is, to compare with later.</summary>
    public ByteModel Clone() => new(this);

    /// <summary>Where <paramref name="actual"/> is not what the image must hold, or null.</summary>
    public string? Difference(byte[] actual, int offset = 0)
    {
        ReadOnlySpan<byte> expected = _now.AsSpan(offset, Math.Min(actual.Length, _now.Length - offset));
        int same = expected.CommonPrefixLength(actual);
        return same == actual.Length ? null
            : same == expected.Length ? $"{actual.Length} bytes, not {expected.Length}"
            : $"byte {offset + same} is 0x{actual[same]:x2}, not 0x{expected[same]:x2}";
    }

    /// <summary>Where <paramref name="actual"/> is not what the image may hold after a loss of power, or null.</summary>
    public string? DifferenceAfterPowerLoss(byte[] actual)
    {
        if (actual.Length != _now.Length)
        {
            return $"{actual.Length} bytes, not {_now.Length}";
        }

        for (int i = 0; i < actual.Length; i++)
        {
            if (!IsPossible(i, actual[i]))
            {
                return $"byte {i} is 0x{actual[i]:x2}: neither 0x{_durable[i]:x2}, which was flushed, nor anything written there since";
            }
        }

        return null;
    }

    private bool IsPossible(int place, byte actual)
    {
        if (actual == _durable[place])
        {
            return true;
        }

        for (int write = 0; write < _tags.Count; write++)
        {
            if ((_since[place] & (1UL << write)) != 0 && ByteOf(write, place) == actual)
            {
                return true;
            }
        }

        return false;
    }

    // Neighbours, and the same place a block further, differ.
    private byte ByteOf(int write, int place) => _tags[write] is { } tag ? unchecked((byte)(1 + ((tag * 31) + place + (place >> 8) + (place >> 12)) % 255)) : (byte)0;
}
