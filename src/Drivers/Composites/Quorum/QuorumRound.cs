using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Composites.Quorum;

/// <summary>One request of a quorum, pooled: it asks the children, all at once or in turn, has their answers judged, mends the losers, and completes.</summary>
/// <remarks>
/// <code>
///  RunAsync ──► asking ── the last leg is done ──► judged ──► over
///                 ▲   in turn, and it failed │        │
///                 └──── the next leg ◄───────┘        └─► mending ── the last leg is done ──► over
/// </code>
/// It is the caller's task itself: nothing is allocated once the pool is warm. It belongs to one context.
/// </remarks>
internal sealed class QuorumRound : AioOperation
{
    /// <summary>Longer buffers are not kept, in bytes.</summary>
    private const int KeptBytesMax = 1 << 20;

    private readonly QuorumInstance _owner;
    private QuorumLeg[] _legs = [];
    private Stage _stage;

    // In turn: the leg that is being asked. Mending: the leg that won.
    private int _index;

    // The legs that are not done, plus one while legs are being issued.
    private int _leftCount;

    public QuorumRound(QuorumInstance owner, AioContext context)
        : base(context) => _owner = owner;

    private enum Stage
    {
        AskingAll,
        AskingInTurn,
        Mending,
    }

    /// <summary>The next one in the pool.</summary>
    public QuorumRound? NextFree { get; set; }

    /// <summary>What the children are asked.</summary>
    public QuorumRequest Request { get; private set; }

    /// <summary>The legs, one for each child, in the children's order.</summary>
    public ReadOnlySpan<QuorumLeg> Legs => _legs;

    /// <summary>How many legs have not failed.</summary>
    public int SuccessCount
    {
        get
        {
            int count = 0;
            foreach (QuorumLeg leg in _legs)
            {
                count += leg.Error is null ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>Asks <paramref name="children"/>; completes when they have been asked, judged and mended.</summary>
    public ValueTask RunAsync(BlockChild[] children, in QuorumRequest request, bool isInTurn)
    {
        TakeChildren(children);
        Request = request;
        _index = 0;
        _stage = isInTurn ? Stage.AskingInTurn : Stage.AskingAll;
        _leftCount = 1;
        IssueStage();
        if (--_leftCount > 0 || !TryFinish(out Exception? error))
        {
            return Task;
        }

        Recycle();
        return error is null ? default : ValueTask.FromException(error);
    }

    /// <summary>A child is done with its part. The round may be another request's when this returns.</summary>
    public void OnLegDone(QuorumLeg leg)
    {
        if (_stage != Stage.Mending && leg.Error is not null)
        {
            _owner.Report(leg.Child, Request, leg.Error.Message);
        }

        if (--_leftCount > 0 || !TryFinish(out Exception? error))
        {
            return;
        }

        if (error is null)
        {
            Complete();
        }
        else
        {
            Fail(error);
        }
    }

    /// <inheritdoc/>
    protected override void Run() => throw new InvariantViolationException("a round of a quorum is completed by its legs");

    /// <inheritdoc/>
    protected override void Recycle()
    {
        foreach (QuorumLeg leg in _legs)
        {
            leg.Trim(KeptBytesMax);
        }

        Request = default;
        _owner.Return(this);
    }

    private void TakeChildren(BlockChild[] children)
    {
        if (_legs.Length != children.Length)
        {
            _legs = [.. children.Select(_ => new QuorumLeg(this))];
        }

        for (int i = 0; i < children.Length; i++)
        {
            _legs[i].Begin(children[i]);
        }
    }

    /// <summary>Every leg of the stage is done: true where that was all, false where others are under way.</summary>
    private bool TryFinish(out Exception? error)
    {
        while (TryGoOn(out error))
        {
            _leftCount = 1;
            IssueStage();
            if (--_leftCount > 0)
            {
                return false;
            }
        }

        return true;
    }

    // True where legs are to be issued once more.
    private bool TryGoOn(out Exception? error)
    {
        error = FindFatal();
        if (error is not null || _stage == Stage.Mending)
        {
            return false;
        }

        if (_stage == Stage.AskingInTurn)
        {
            error = _legs[_index].Error;
            if (error is null || _index == _legs.Length - 1)
            {
                return false;
            }

            _index++;
            return true;
        }

        error = _owner.Judge(this, out int? winner);
        if (winner is not { } index)
        {
            return false;
        }

        // What fails to be mended stays as it is: it will lose again.
        _stage = Stage.Mending;
        _index = index;
        Request = QuorumRequest.Write(Request.Offset, _legs[index].Bytes, RequestFlags.WriteUnchanged);
        return true;
    }

    private void IssueStage()
    {
        for (int i = 0; i < _legs.Length; i++)
        {
            bool takesPart = _stage switch
            {
                Stage.AskingAll => true,
                Stage.AskingInTurn => i == _index,
                _ => _legs[i].Version >= 0 && _legs[i].Version != _index,
            };
            if (takesPart)
            {
                _leftCount++;
                _legs[i].Issue(Request, _owner.Node);
            }
        }
    }

    // A cancellation, or a bug, is nobody's vote.
    private Exception? FindFatal()
    {
        foreach (QuorumLeg leg in _legs)
        {
            if (leg.Fatal is not null)
            {
                return leg.Fatal;
            }
        }

        return null;
    }
}
