using BlockGraph.TestKit.Conformance;

namespace BlockGraph.TestKit.Tests.Samples;

public sealed class CountFilterConformance : FilterConformance<CountFilterDriver>
{
}
