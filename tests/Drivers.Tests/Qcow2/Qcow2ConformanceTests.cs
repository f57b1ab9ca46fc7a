using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit.Conformance;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>What every format must do, in images of different units: small clusters, so that the kit's short images have many; narrow and wide counts; subclusters; version 2.</summary>
[TestFixture(9, 4, 3, false)]
[TestFixture(12, 4, 3, false)]
[TestFixture(12, 0, 3, false)]
[TestFixture(10, 6, 3, false)]
[TestFixture(14, 3, 3, true)]
[TestFixture(11, 4, 2, false)]
[TestFixture(16, 4, 3, false)]
public sealed class Qcow2ConformanceTests(int clusterBits, int refcountOrder, int version, bool hasExtendedL2) : FormatConformance<Qcow2Driver>
{
    protected override IReadOnlyList<string> OtherOptions => ["l2-cache-size=2048", "refcount-cache-size=2048", "pass-discard-other=on", "discard-no-unref=on", "overlap-check=none"];

    protected override byte[] MakeImage(long lengthBytes) => new Qcow2Layout(new Qcow2CreateOptions
    {
        LengthBytes = lengthBytes,
        ClusterBits = clusterBits,
        RefcountOrder = refcountOrder,
        Version = version,
        HasExtendedL2 = hasExtendedL2,
    }.CreateHeaderArea()).ToArray();
}
