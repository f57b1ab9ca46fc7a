using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>What somebody asks for one node to be reopened with.</summary>
/// <param name="Options">The options, nested or flat.</param>
/// <param name="Node">The node; null where the options name it.</param>
/// <param name="KeepsOld">True to keep what the options do not say, false to give it its default.</param>
internal sealed record ReopenRequest(OptionsDictionary Options, BlockNode? Node = null, bool KeepsOld = false);
