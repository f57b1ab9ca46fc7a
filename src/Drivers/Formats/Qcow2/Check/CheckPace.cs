using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>How far a check has come, and whether it is to go on.</summary>
/// <param name="request">Who is told.</param>
/// <param name="cancel">Ends it between two steps.</param>
internal sealed class CheckPace(ImageCheckRequest request, CancellationToken cancel)
{
    private long _total = 1;
    private long _done;

    /// <summary>So many tables and blocks there are to look at.</summary>
    public void Begin(long total) => (_total, _done) = (Math.Max(1, total), 0);

    /// <summary>One of them was looked at.</summary>
    public void Step() => request.Progress?.Report(Math.Min(1, (double)++_done / _total));

    /// <summary>Nobody wants the answer any more.</summary>
    public void ThrowIfCancelled() => cancel.ThrowIfCancellationRequested();
}
