using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>How far a check has come, and whether it is to go on.</summary>
/// <param name="request">Who is told.</param>
/// <param name="clusterCount">How many clusters the file has.</param>
/// <param name="cancel">Ends it between two steps.</param>
internal sealed class CheckPace(ImageCheckRequest request, long clusterCount, CancellationToken cancel)
{
    private CountWindow? _window;
    private long _total = 1;
    private long _done;
    private double _told;

    /// <summary>The clusters of a window are counted from here on. With the first of them the work begins again.</summary>
    public void BeginPass(CountWindow window) => (_window, _told) = (window, window.First == 0 ? 0 : _told);

    /// <summary>So many tables and blocks there are to look at.</summary>
    public void Begin(long total) => (_total, _done) = (Math.Max(1, total), 0);

    /// <summary>One of them was looked at. Where the window becomes smaller on the way, what was told stays.</summary>
    public void Step()
    {
        double first = PartOf(_window!.First);
        double end = _window.IsLast ? 1 : PartOf(_window.End);
        _told = Math.Max(_told, first + ((end - first) * Math.Min(1, (double)++_done / _total)));
        request.Progress?.Report(_told);
    }

    /// <summary>Nobody wants the answer any more.</summary>
    public void ThrowIfCancelled() => cancel.ThrowIfCancellationRequested();

    private double PartOf(long cluster) => Math.Min(1, (double)cluster / Math.Max(1, clusterCount));
}
