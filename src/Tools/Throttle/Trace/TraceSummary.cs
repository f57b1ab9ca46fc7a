using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Throttle.Simulation;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>What limits have done to a trace, in numbers.</summary>
internal sealed class TraceSummary
{
    private const double NsPerSecond = 1e9;

    private TraceSummary(TraceReplay replay)
    {
        SimulatedRequest[] requests = replay.Trace.Requests;
        Replay = replay;
        OfferedNs = requests.Max(request => request.SubmitNs);
        AdmittedNs = replay.AdmittedAtNs.Max();
        All = new TraceRow("all", replay, [.. Enumerable.Range(0, requests.Length)]);
        Kinds = [.. Enumerable.Range(0, requests.Length)
            .GroupBy(index => requests[index].Kind)
            .OrderBy(group => group.Key)
            .Select(group => new TraceRow(SimulatedKinds.NameOf(group.Key), replay, [.. group]))];
        (LongestQueue, LongestQueueAtNs) = FindLongestQueue(replay);
    }

    /// <summary>The run.</summary>
    public TraceReplay Replay { get; }

    /// <summary>When the last request was submitted, in nanoseconds since the first was.</summary>
    public long OfferedNs { get; }

    /// <summary>When the last request was admitted, in nanoseconds since the first was submitted.</summary>
    public long AdmittedNs { get; }

    /// <summary>All requests.</summary>
    public TraceRow All { get; }

    /// <summary>The requests of each kind that there is.</summary>
    public IReadOnlyList<TraceRow> Kinds { get; }

    /// <summary>The most requests that waited at once.</summary>
    public int LongestQueue { get; }

    /// <summary>When so many waited first, in nanoseconds.</summary>
    public long LongestQueueAtNs { get; }

    /// <summary>Requests a second as they came; null where all came at once.</summary>
    public double? OfferedRequestsPerSecond => PerSecond(All.Count, OfferedNs);

    /// <summary>Requests a second as they were admitted.</summary>
    public double? AdmittedRequestsPerSecond => PerSecond(All.Count, AdmittedNs);

    /// <summary>Bytes a second as they came.</summary>
    public double? OfferedBytesPerSecond => PerSecond(All.LengthBytes, OfferedNs);

    /// <summary>Bytes a second as they were admitted.</summary>
    public double? AdmittedBytesPerSecond => PerSecond(All.LengthBytes, AdmittedNs);

    /// <summary>The limits in one line, as they were given.</summary>
    public string LimitsText
    {
        get
        {
            IEnumerable<string> given = Replay.Config.Values
                .Where(item => ThrottleKeys.TryFind(item.Key, out ThrottleKey? key) && item.Value != key.DefaultValue)
                .Select(item => $"{item.Key}={item.Value}");
            string text = string.Join(',', given);
            return text.Length == 0 ? "no limits" : text;
        }
    }

    /// <summary>Sums up <paramref name="replay"/>.</summary>
    public static TraceSummary Of(TraceReplay replay) => new(replay);

    private static double? PerSecond(double amount, long ns) => ns == 0 ? null : amount * NsPerSecond / ns;

    // At one instant requests come before they go: one that does not wait is counted nowhere.
    private static (int Count, long AtNs) FindLongestQueue(TraceReplay replay)
    {
        long[] submitted = [.. replay.Trace.Requests.Index().Where(item => replay.AdmittedAtNs[item.Index] > item.Item.SubmitNs).Select(item => item.Item.SubmitNs).Order()];
        long[] admitted = [.. replay.Trace.Requests.Index().Where(item => replay.AdmittedAtNs[item.Index] > item.Item.SubmitNs).Select(item => replay.AdmittedAtNs[item.Index]).Order()];
        (int longest, long atNs, int gone) = (0, 0, 0);
        for (int come = 0; come < submitted.Length; come++)
        {
            while (admitted[gone] <= submitted[come])
            {
                gone++;
            }

            if (come + 1 - gone > longest)
            {
                (longest, atNs) = (come + 1 - gone, submitted[come]);
            }
        }

        return (longest, atNs);
    }
}
