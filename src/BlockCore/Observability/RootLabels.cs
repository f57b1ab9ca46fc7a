using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What the users of a graph are called in metrics and spans: by their names, and those without one by a number, so that no two are one.</summary>
internal sealed class RootLabels
{
    private readonly ConditionalWeakTable<IRootParent, string> _numbered = [];
    private int _count;

    /// <summary>The same for as long as it has the same name, or none. Any thread.</summary>
    public string Of(IRootParent root) =>
        root.Name ?? (root as IAccountedRoot)?.DeviceName
        ?? _numbered.GetValue(root, _ => $"#{(root is IAccountedRoot ? "backend" : "user")}{Interlocked.Increment(ref _count) - 1:D3}");
}
