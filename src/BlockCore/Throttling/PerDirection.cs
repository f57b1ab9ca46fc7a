using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>One for reads and one for writes, laid out where it is used: an array would be one more place in memory to go to.</summary>
[InlineArray(2)]
internal struct PerDirection<T>
{
    private T _first;
}
