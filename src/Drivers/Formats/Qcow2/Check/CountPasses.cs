using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Goes over an image as often as it takes to count all its clusters: of most images once, and what was counted is kept for whoever asks again. Of one whose counts would take more memory
/// than they may, each pass counts the clusters of a window, and is forgotten before the next.
/// </summary>
internal sealed class CountPasses(Qcow2Metadata metadata, ImageReferences references, ImageCheckRequest request, CheckPace pace)
{
    private readonly TableRanges _ranges = new();
    private CountPass? _only;
    private long _unreadCount = long.MaxValue;

    /// <summary>One pass was enough, and is the one that everybody gets.</summary>
    public bool IsOne => _only is not null;

    /// <summary>Something leads nowhere or could not be read.</summary>
    public bool HidesReferences { get; private set; }

    /// <summary>Goes over it for the first time.</summary>
    /// <param name="report">Told of everything that is found on the way.</param>
    /// <param name="work">Done with what each pass has counted.</param>
    public async Task LookAsync(CheckReport report, Func<CountPass, Task> work)
    {
        long toldEnd = 0;
        for (CountWindow? window = NewWindow(0); window is not null; window = Next(window))
        {
            bool isFirst = window.First == 0;
            CheckReport told = isFirst ? report : CheckReport.Mute();
            ReferenceScan scan = new(metadata, references, told, pace) { ReadsData = isFirst && request.ReadsData, Ranges = _ranges, BlockReport = report, BlocksToldEnd = toldEnd };
            CountPass pass = await CountAsync(window, scan, told);
            _unreadCount = isFirst ? told.UncheckedCount : _unreadCount;
            toldEnd = scan.BlocksToldEnd;
            await LoadAsync(pass, report);
            await work(pass);
            _only = isFirst && window.IsLast ? pass : null;
        }
    }

    /// <summary>Goes over it again, once more is known than there was at first. Nothing is told.</summary>
    /// <param name="needsStored">The counts that the image has are wanted as well.</param>
    /// <param name="work">Done with what each pass has counted.</param>
    public async Task AgainAsync(bool needsStored, Func<CountPass, Task> work)
    {
        if (_only is not null)
        {
            await work(_only);
            return;
        }

        for (CountWindow? window = NewWindow(0); window is not null; window = Next(window))
        {
            CheckReport mute = CheckReport.Mute();
            CountPass pass = await CountAsync(window, new ReferenceScan(metadata, references, mute, pace) { Ranges = _ranges, BlockReport = mute }, mute);
            if (needsStored)
            {
                await LoadAsync(pass, mute);
            }

            window.IsFixed = true;
            await work(pass);
        }
    }

    private CountWindow NewWindow(long first)
    {
        CountWindow window = new(first, request.CountBytesMax);
        references.Restart(window);
        return window;
    }

    private CountWindow? Next(CountWindow window) => window.IsLast ? null : NewWindow(window.End);

    private async Task<CountPass> CountAsync(CountWindow window, ReferenceScan scan, CheckReport told)
    {
        pace.BeginPass(window);
        await scan.RunAsync();
        if (told.UncheckedCount > 0)
        {
            _ranges.Forget();
        }

        if (told.UncheckedCount > _unreadCount)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"What could be read before cannot be read any more: {told.LastUnchecked}");
        }

        // The tables of a window do not tell what others hide.
        HidesReferences |= references.HidesReferences;
        references.HidesReferences = HidesReferences;
        return new CountPass(window, references, _ranges, new StoredCounts(metadata, window, references));
    }

    private async Task LoadAsync(CountPass pass, CheckReport report)
    {
        await pass.Stored.LoadAsync(report, pace);
        pass.Window.IsFixed = true;
    }
}
