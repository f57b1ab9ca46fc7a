using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>A user of the graph whose requests are counted, such as a backend.</summary>
internal interface IAccountedRoot
{
    /// <summary>The name of the device in front of it, or null.</summary>
    string? DeviceName { get; }

    /// <summary>How many requests are between submission and completion.</summary>
    int InFlightCount { get; }

    /// <summary>What requests of <paramref name="kind"/> have added up to. Any thread.</summary>
    RequestCounters GetCounters(RequestKind kind);

    /// <summary>Slow requests are traced from now on, or no longer. It is drained. Main context.</summary>
    void OnTracingChanged();
}
