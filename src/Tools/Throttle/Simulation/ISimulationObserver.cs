using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>Watches a simulation. It is called at home of the group's members, without any lock.</summary>
internal interface ISimulationObserver
{
    /// <summary>The simulation begins, with <paramref name="group"/> as it will be watched.</summary>
    void OnStart(ThrottleGroup group);

    /// <summary>Request <paramref name="index"/> was submitted at <paramref name="nowNs"/>, and was admitted or waits now.</summary>
    void OnSubmitted(int index, long nowNs);

    /// <summary>Request <paramref name="index"/> has been admitted at <paramref name="nowNs"/>, and charged.</summary>
    void OnAdmitted(int index, long nowNs);
}
