using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.TestKit.Cow;

/// <summary>What an image was.</summary>
/// <param name="Snapshot">What it is called.</param>
/// <param name="Clusters">What each cluster held; empty for zeros, null where it was not allocated.</param>
internal sealed record CowSnapshot(ImageSnapshot Snapshot, IReadOnlyList<byte[]?> Clusters);
