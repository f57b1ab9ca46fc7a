using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>One request of a simulation.</summary>
/// <param name="SubmitNs">When it is submitted, in nanoseconds since the beginning.</param>
/// <param name="Member">Which member of the group submits it, from 0.</param>
/// <param name="Kind">What it does.</param>
/// <param name="LengthBytes">How long it is, in bytes.</param>
internal readonly record struct SimulatedRequest(long SubmitNs, int Member, RequestKind Kind, long LengthBytes);
