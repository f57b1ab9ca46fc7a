using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>
/// One open quorum. A read asks every child and takes what enough of them agree on, or asks one after another; a write goes to all,
/// and enough of them must take it.
/// </summary>
/// <remarks>
/// Invariants: (1) a read that succeeds by vote returns bytes that at least the threshold of children hold; (2) no two overlapping
/// requests are under way of which one writes, so that children differ by failures only; (3) a write that has begun goes to every child.
/// </remarks>
internal sealed class QuorumInstance : BlockDriverInstance
{
    private readonly QuorumOptions _options;

    // Replaced while the node is drained.
    private BlockChild[] _children;
    private int _nextIndex;
    private long _lengthBytes;
    private QuorumRound? _freeRounds;

    public QuorumInstance(QuorumOptions options, BlockChild[] children)
    {
        _options = options;
        _children = children;
        _nextIndex = children.Length;
        _lengthBytes = children[0].LengthBytes;
    }

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.Fua | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override bool SerialisesWrites => true;

    /// <inheritdoc/>
    public override bool FlushesChildren => true;

    /// <summary>Every child has been asked: says what the request fails with, or null, and which leg's bytes are to be written over the others', if any.</summary>
    public BlockException? Judge(QuorumRound round, out int? winner)
    {
        winner = null;
        if (round.SuccessCount < _options.VoteThreshold)
        {
            if (round.Request.Operation != QuorumOperation.Flush)
            {
                ReportFailure(round.Request);
            }

            return QuorumVote.OnErrors(round.Legs);
        }

        return round.Request.Kind == RequestKind.Read ? JudgeBytes(round, out winner) : null;
    }

    /// <summary>A round is over: it can be used again.</summary>
    public void Return(QuorumRound round)
    {
        // One that has come from another context, or from before a change of children, is let go.
        if (ReferenceEquals(round.Context, Node.Context) && round.Legs.Length == _children.Length)
        {
            round.NextFree = _freeRounds;
            _freeRounds = round;
        }
    }

    /// <summary>Tells of a child that has failed a request or, without <paramref name="error"/>, was outvoted.</summary>
    public void Report(BlockChild child, in QuorumRequest request, string? error) =>
        Node.Graph.Events.Publish(new QuorumReportBad(request.Operation, error, child.Node.Name, request.SectorNumber, request.SectorCount));

    /// <summary>The longest that enough children have: one that a growing write failed on stays behind, and is outvoted there.</summary>
    protected override long GetLengthBytes()
    {
        long longest = -1;
        foreach (BlockChild child in _children)
        {
            if (child.LengthBytes > longest && _children.Count(other => other.LengthBytes == child.LengthBytes) >= _options.VoteThreshold)
            {
                longest = child.LengthBytes;
            }
        }

        return _lengthBytes = longest >= 0 ? longest : _lengthBytes;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(QuorumRequest.Read(offset, buffer, _options.IsFifo, cancel), _options.IsFifo);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        RunAsync(QuorumRequest.Write(offset, buffer, flags));

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if ((flags & RequestFlags.NoFallback) != 0)
        {
            // Some children might zero what others cannot.
            return false;
        }

        await RunAsync(QuorumRequest.WriteZeroes(offset, length, flags));
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel) => RunAsync(QuorumRequest.Flush(cancel));

    /// <summary>Zeros where all children agree on it; else data, for as long as any of them says so.</summary>
    protected override async ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        long zeroBytes = length;
        long dataBytes = 0;
        foreach (BlockChild child in _children)
        {
            BlockStatus status;
            try
            {
                status = await child.GetStatusAsync(wanted, offset, length, cancel);
            }
            catch (BlockException)
            {
                return new BlockStatus(BlockStatusFlags.Data, length);
            }

            // Behind its end a child reads as zeros.
            if ((status.Flags & BlockStatusFlags.Zero) == 0 && status.LengthBytes > 0)
            {
                dataBytes = Math.Max(dataBytes, status.LengthBytes);
            }
            else if (status.LengthBytes > 0)
            {
                zeroBytes = Math.Min(zeroBytes, status.LengthBytes);
            }
        }

        // A child may have smaller blocks: one that is zeros in a part of it is data.
        long mask = Node.Limits.RequestAlignmentBytes - 1L;
        return dataBytes > 0 || zeroBytes <= mask
            ? new BlockStatus(BlockStatusFlags.Data, Math.Min((Math.Max(dataBytes, 1) + mask) & ~mask, length))
            : new BlockStatus(BlockStatusFlags.Zero, zeroBytes & ~mask);
    }

    /// <summary>What the users need; nobody else may write to a child or resize it. To mend children means to write to them, whatever the users do.</summary>
    protected override PermissionSet GetChildPermissions(ChildPermissionRequest request) => new(
        request.Users.Required | (_options.RewritesCorrupted ? BlockPermissions.Write : BlockPermissions.None),
        request.Users.Shared & (BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged));

    /// <inheritdoc/>
    protected override (string Name, ChildRole Role) DescribeNewChild(BlockNode child, int earlierCount)
    {
        if (_options.Verifies)
        {
            throw new BlockException("Cannot add a child to a quorum in blkverify mode");
        }

        if (child.LengthBytes != Node.LengthBytes)
        {
            throw new BlockException($"Node '{child.Name}' has {child.LengthBytes} bytes and node '{Node.Name}' {Node.LengthBytes}: the children of a quorum have the same length");
        }

        return ($"{QuorumOptions.ChildrenKey}.{_nextIndex + earlierCount}", ChildRole.Data);
    }

    /// <inheritdoc/>
    protected override void CheckChildRemoval(BlockChild child, int remainingCount)
    {
        if (remainingCount < _options.VoteThreshold)
        {
            throw new BlockException($"The number of children cannot be lower than the vote threshold {_options.VoteThreshold}");
        }
    }

    /// <inheritdoc/>
    protected override void OnChildAttached(BlockChild child)
    {
        _nextIndex = Math.Max(_nextIndex, IndexOf(child) + 1);
        RefreshChildren();
    }

    /// <summary>The last index may be used again, the others never are.</summary>
    protected override void OnChildDetached(BlockChild child)
    {
        if (IndexOf(child) == _nextIndex - 1)
        {
            _nextIndex--;
        }

        RefreshChildren();
    }

    /// <inheritdoc/>
    protected override void DetachContext() => _freeRounds = null;

    private static int IndexOf(BlockChild child) =>
        int.Parse(child.Name.AsSpan(QuorumOptions.ChildrenKey.Length + 1), System.Globalization.CultureInfo.InvariantCulture);

    private void RefreshChildren()
    {
        _children = [.. Node.Children];
        _freeRounds = null;
    }

    private ValueTask RunAsync(in QuorumRequest request, bool isInTurn = false)
    {
        QuorumRound round = _freeRounds ?? new QuorumRound(this, AioContext.Current!);
        _freeRounds = round.NextFree;
        round.NextFree = null;
        return round.RunAsync(_children, request, isInTurn);
    }

    private BlockException? JudgeBytes(QuorumRound round, out int? winner)
    {
        winner = null;
        (int best, int voteCount) = QuorumVote.OnBytes(round.Legs);
        if (_options.Verifies && voteCount < round.Legs.Length)
        {
            return DescribeDifference(round);
        }

        if (best < 0 || voteCount < _options.VoteThreshold)
        {
            ReportFailure(round.Request);
            return new BlockException(BlockErrorKind.InputOutput, BlockErrorKind.InputOutput.ToErrnoText());
        }

        round.Request.Buffer.CopyFrom(round.Legs[best].Bytes.Span);
        if (voteCount < round.SuccessCount)
        {
            ReportLosers(round, best);
            winner = _options.RewritesCorrupted && !Node.IsInactive ? best : null;
        }

        return null;
    }

    private BlockException DescribeDifference(QuorumRound round)
    {
        int same = round.Legs[0].Bytes.Span.CommonPrefixLength(round.Legs[1].Bytes.Span);
        string message = $"quorum: offset={round.Request.Offset} bytes={round.Request.LengthBytes} contents mismatch at offset {round.Request.Offset + same}";
        Node.Graph.Events.Publish(new VerificationFailed(Node.Name, message));
        return new BlockException(BlockErrorKind.CorruptImage, message);
    }

    // The version seen last is told of first, and of each its last child first.
    private void ReportLosers(QuorumRound round, int winner)
    {
        for (int version = round.Legs.Length - 1; version >= 0; version--)
        {
            for (int i = round.Legs.Length - 1; i >= version && version != winner; i--)
            {
                if (round.Legs[i].Version == version)
                {
                    Report(round.Legs[i].Child, round.Request, null);
                }
            }
        }
    }

    private void ReportFailure(in QuorumRequest request)
    {
        string? user = Node.Parents.Select(edge => (edge.Parent as IRootParent)?.Name).FirstOrDefault(name => name is not null);
        Node.Graph.Events.Publish(new QuorumFailure(user ?? Node.Name, request.SectorNumber, request.SectorCount));
    }
}
