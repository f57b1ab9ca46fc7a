using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.Tools.Plan;

/// <summary>One kind of change, by the word that it begins with.</summary>
/// <param name="Name">The word.</param>
/// <param name="Operands">What follows, as help shows it.</param>
/// <param name="Summary">What it does, in a few words.</param>
/// <param name="Read">Reads what follows the word; the result makes the edit, when the graph is open.</param>
internal sealed record ChangeVerb(string Name, string Operands, string Summary, Func<ChangeWords, Func<PlanWorld, Task<GraphEdit>>> Read)
{
    /// <summary>How the whole change reads.</summary>
    public string Usage => $"{Name} {Operands}";
}
