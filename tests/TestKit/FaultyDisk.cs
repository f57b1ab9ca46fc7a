using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit;

/// <summary>A disk that fails as disks do, when told to. One outlives the nodes that have it open.</summary>
/// <remarks>
/// <para>The fault model.</para>
/// <list type="bullet">
/// <item><b>Errors.</b> Any call of a node may fail, with any kind of error: the n-th, once or from then on; or one in n at random. A failed call has
/// had no effect, unless it is a torn write.</item>
/// <item><b>Torn writes.</b> With <see cref="TearsWrites"/> a failed write, zero write or discard has taken effect up to some sector: whole sectors of
/// <see cref="SectorBytes"/>, from its beginning. A sector is never torn.</item>
/// <item><b>Delays.</b> With <see cref="DelayNsMax"/> each call takes some time more, so that calls overtake each other.</item>
/// <item><b>Loss of power.</b> What was not flushed may be lost, sector by sector, in any order; what a completed flush has covered is there. A
/// flush covers the writes that had completed when it began. The length survives.</item>
/// <item><b>Silent corruption.</b> Never, unless <see cref="CorruptsReadsOneIn"/> asks for it: then a read succeeds with one bit wrong.</item>
/// </list>
/// Chance comes from the seed alone, so that a run can be repeated. It belongs to one context, as does the storage.
/// </remarks>
public sealed class FaultyDisk
{
    /// <summary>What is written whole or not at all, in bytes.</summary>
    public const int SectorBytes = 512;

    private readonly int[] _counts = new int[Enum.GetValues<StorageCall>().Length];
    private readonly List<FaultRule> _rules = [];
    private readonly List<Change> _changes = [];
    private byte[]? _durable;
    private long _completedCount;

    internal FaultyDisk(MemoryStorage storage, ulong seed)
    {
        Storage = storage;
        Chance = new SeededRandom(seed);
    }

    /// <summary>The bytes as a reader sees them.</summary>
    public MemoryStorage Storage { get; }

    /// <summary>Decides everything that is left to chance.</summary>
    public SeededRandom Chance { get; }

    /// <summary>True where a failing write leaves its first sectors behind.</summary>
    public bool TearsWrites { get; set; }

    /// <summary>The longest that a call takes beside its node's latency, in nanoseconds.</summary>
    public long DelayNsMax { get; set; }

    /// <summary>One read in so many has a wrong bit and says nothing; 0 for none.</summary>
    public int CorruptsReadsOneIn { get; set; }

    /// <summary>Told of each call before anything of it is done.</summary>
    public Action<StorageCall>? OnCall { get; set; }

    /// <summary>How many changes have completed: what to hand to <see cref="IsDurableUpTo"/>.</summary>
    public long CompletedCount => _completedCount;

    /// <summary>True where a loss of power could undo none of the first <paramref name="completedCount"/> changes.</summary>
    public bool IsDurableUpTo(long completedCount) => !_changes.Exists(change => change.CompletedAt < completedCount);

    /// <summary>How many calls there have been, of every kind.</summary>
    public int CallCount => _counts.Sum();

    /// <summary>How many calls have failed on purpose.</summary>
    public int FailedCount { get; private set; }

    /// <summary>How many changes a loss of power could undo now.</summary>
    public int UnflushedCount => _changes.Count;

    /// <summary>How many calls of one kind there have been.</summary>
    public int CountOf(StorageCall call) => _counts[(int)call];

    /// <summary>Fails the <paramref name="n"/>-th call from now on, the first being 1.</summary>
    /// <param name="n">Which call.</param>
    /// <param name="call">The kind that is counted and fails; null for any.</param>
    /// <param name="error">What it fails with.</param>
    /// <param name="isSticky">True to fail every later one too, until <see cref="Heal"/>.</param>
    public void FailNth(int n, StorageCall? call = null, BlockErrorKind error = BlockErrorKind.InputOutput, bool isSticky = false) =>
        _rules.Add(new FaultRule(call, error) { CallsLeft = n, IsSticky = isSticky });

    /// <summary>Fails one call in <paramref name="n"/>, at random, until <see cref="Heal"/>.</summary>
    public void FailOneIn(int n, StorageCall? call = null, BlockErrorKind error = BlockErrorKind.InputOutput) => _rules.Add(new FaultRule(call, error) { OneIn = n });

    /// <summary>Nothing fails any more, tears, is late or corrupts.</summary>
    public void Heal()
    {
        _rules.Clear();
        TearsWrites = false;
        DelayNsMax = 0;
        CorruptsReadsOneIn = 0;
    }

    /// <summary>The bytes as they could be after a loss of power now. Nothing changes by asking.</summary>
    /// <param name="chance">Which sectors of what was not flushed are there; null: none is.</param>
    public byte[] BytesAfterPowerLoss(SeededRandom? chance = null)
    {
        byte[] bytes = new byte[Storage.Bytes.Length];
        byte[] durable = _durable ?? Storage.Bytes;
        durable.AsSpan(0, Math.Min(durable.Length, bytes.Length)).CopyTo(bytes);
        if (chance is not null)
        {
            foreach (Change change in _changes.OrderBy(c => c.CompletedAt))
            {
                change.ApplyTo(bytes, _ => chance.OneIn(2));
            }
        }

        return bytes;
    }

    /// <summary>Counts a call; what it is to fail with, or null.</summary>
    internal BlockException? Judge(StorageCall call)
    {
        _counts[(int)call]++;
        OnCall?.Invoke(call);
        BlockErrorKind? error = null;
        foreach (FaultRule rule in _rules)
        {
            error = rule.Judge(call, Chance) ?? error;
        }

        _rules.RemoveAll(rule => rule.IsSpent);
        if (error is not { } kind)
        {
            return null;
        }

        FailedCount++;
        return new BlockException(kind, kind.ToErrnoText());
    }

    /// <summary>Nobody has the disk open: what it holds is durable.</summary>
    internal void Settle()
    {
        _durable = null;
        _changes.Clear();
    }

    /// <summary>A change is on its way: from now on a loss of power may leave any part of it.</summary>
    internal Change Begin(long offset, long length, byte[]? data)
    {
        _durable ??= (byte[])Storage.Bytes.Clone();
        Change change = new(offset, length, data);
        _changes.Add(change);
        return change;
    }

    /// <summary>The change is made, as a reader sees it.</summary>
    internal void Complete(Change change) => change.CompletedAt = _completedCount++;

    /// <summary>The change has failed; its first <paramref name="keptBytes"/> are made all the same.</summary>
    internal void Abandon(Change change, long keptBytes)
    {
        change.CutTo(keptBytes);
        Complete(change);
        if (keptBytes == 0)
        {
            _changes.Remove(change);
        }
    }

    /// <summary>What lies beyond a new end is gone for good.</summary>
    internal void CutTo(long lengthBytes)
    {
        if (_durable is not null && _durable.Length > lengthBytes)
        {
            Array.Resize(ref _durable, (int)lengthBytes);
        }

        foreach (Change change in _changes)
        {
            change.EndBy(lengthBytes);
        }
    }

    /// <summary>A flush begins; hand the result to <see cref="EndFlush"/>.</summary>
    internal long BeginFlush() => _completedCount;

    /// <summary>A flush has succeeded: what had completed when it began is durable.</summary>
    internal void EndFlush(long begun)
    {
        if (_changes.Count == 0)
        {
            return;
        }

        if (_durable!.Length < Storage.Bytes.Length)
        {
            Array.Resize(ref _durable, Storage.Bytes.Length);
        }

        foreach (Change change in _changes.Where(c => c.CompletedAt < begun).OrderBy(c => c.CompletedAt))
        {
            change.ApplyTo(_durable, static _ => true);
        }

        _changes.RemoveAll(c => c.CompletedAt < begun);
    }

    /// <summary>One change of the bytes that a loss of power may undo.</summary>
    internal sealed class Change(long offset, long length, byte[]? data)
    {
        private long _length = length;

        /// <summary>The number of the completion; the largest there is while it is on its way.</summary>
        public long CompletedAt { get; set; } = long.MaxValue;

        /// <summary>Only the first bytes are left of it.</summary>
        public void CutTo(long length) => _length = length;

        /// <summary>Nothing is left of it beyond an offset of the disk.</summary>
        public void EndBy(long endOffset) => _length = Math.Clamp(endOffset - offset, 0, _length);

        /// <summary>Makes those sectors of the change that <paramref name="isThere"/> wants.</summary>
        public void ApplyTo(byte[] bytes, Func<long, bool> isThere)
        {
            long end = Math.Min(offset + _length, bytes.Length);
            for (long at = offset; at < end;)
            {
                long next = Math.Min((at / SectorBytes * SectorBytes) + SectorBytes, end);
                if (isThere(at))
                {
                    Span<byte> piece = bytes.AsSpan((int)at, (int)(next - at));
                    if (data is null)
                    {
                        piece.Clear();
                    }
                    else
                    {
                        data.AsSpan((int)(at - offset), piece.Length).CopyTo(piece);
                    }
                }

                at = next;
            }
        }
    }
}
