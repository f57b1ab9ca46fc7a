namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// What is known of each byte of one region: its value, or, after requests that failed, the values it may have. Only the region's
/// own worker looks at it.
/// </summary>
internal sealed class StormModel
{
    private const int CandidateMax = 6;
    private readonly byte[] _candidates;

    // How many candidates a byte has besides the first; beyond the maximum it may be anything.
    private readonly byte[] _moreCount;

    /// <summary>A region that holds <paramref name="bytes"/>.</summary>
    public StormModel(ReadOnlySpan<byte> bytes)
    {
        _candidates = new byte[bytes.Length * CandidateMax];
        _moreCount = new byte[bytes.Length];
        Set(0, bytes);
    }

    /// <summary>How long the region is.</summary>
    public int LengthBytes => _moreCount.Length;

    /// <summary>The bytes are what was written.</summary>
    public void Set(int offset, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            _candidates[(offset + i) * CandidateMax] = bytes[i];
            _moreCount[offset + i] = 0;
        }
    }

    /// <summary>Each of the bytes is what it was, or what was to be written.</summary>
    public void SetUncertain(int offset, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            int at = offset + i;
            if (!IsPossible(at, bytes[i]))
            {
                int more = _moreCount[at] < CandidateMax ? ++_moreCount[at] : CandidateMax;
                if (more < CandidateMax)
                {
                    _candidates[(at * CandidateMax) + more] = bytes[i];
                }
            }
        }
    }

    /// <summary>What is wrong with the bytes read at <paramref name="offset"/>, or null; what was uncertain is known from then on.</summary>
    public string? Settle(int offset, ReadOnlySpan<byte> read)
    {
        for (int i = 0; i < read.Length; i++)
        {
            if (!IsPossible(offset + i, read[i]))
            {
                return $"byte {offset + i} is {read[i]}, not {string.Join(" or ", Candidates(offset + i))}";
            }
        }

        Set(offset, read);
        return null;
    }

    private IEnumerable<byte> Candidates(int at) => _candidates.Skip(at * CandidateMax).Take(Math.Min(CandidateMax, 1 + _moreCount[at]));

    private bool IsPossible(int at, byte value)
    {
        int more = _moreCount[at];
        if (more >= CandidateMax)
        {
            return true;
        }

        for (int i = 0; i <= more; i++)
        {
            if (_candidates[(at * CandidateMax) + i] == value)
            {
                return true;
            }
        }

        return false;
    }
}
