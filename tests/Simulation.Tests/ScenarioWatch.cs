using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.Simulation.Tests;

/// <summary>What the workers and the trouble-maker know of each other: whether storage may fail, and which writes an observer must have seen.</summary>
internal sealed class ScenarioWatch : INodeObserver
{
    private int _era;
    private bool _isObserving;
    private int _mustSeeCount;
    private int _seenCount;

    /// <summary>True once storage has been told to fail; a failure may come later than the end of the fault.</summary>
    public bool HasFaults { get; set; }

    /// <summary>Makes a write that an observer must see, if one was there before it and is there after it.</summary>
    public async Task WriteAsync(Func<ValueTask> write)
    {
        int era = _era;
        bool isWatched = _isObserving;
        try
        {
            await write();
        }
        finally
        {
            if (isWatched && _isObserving && era == _era)
            {
                _mustSeeCount++;
            }
        }
    }

    /// <summary>The observer is in its place.</summary>
    public void Begin()
    {
        _era++;
        _isObserving = true;
        _mustSeeCount = 0;
    }

    /// <summary>The observer is about to leave.</summary>
    public void End()
    {
        Assert.That(_seenCount, Is.GreaterThanOrEqualTo(_mustSeeCount), "a write went unseen");
        _isObserving = false;
        _seenCount = 0;
    }

    public void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess) =>
        _seenCount += kind == RequestKind.Write ? 1 : 0;
}
