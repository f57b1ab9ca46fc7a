using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <summary>A parent that has a home whether or not it has a node, such as a backend without a medium.</summary>
internal interface IContextual
{
    /// <summary>Where its requests are carried out.</summary>
    AioContext HomeContext { get; }
}
