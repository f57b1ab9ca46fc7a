using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.Tools.Plan;

/// <summary>Tells a person what a change would do, and what stands against it.</summary>
internal static class PlanReport
{
    private const string Indent = "  ";
    private const string Absent = "-";

    /// <summary>Prints <paramref name="plan"/>.</summary>
    public static void Print(TextWriter output, GraphPlan plan)
    {
        for (int i = 0; i < plan.Edits.Count; i++)
        {
            output.WriteLine($"{i + 1}. {plan.Edits[i]}");
        }

        output.WriteLine();
        if (plan.Edges.Count > 0)
        {
            PrintEdges(output, plan);
            output.WriteLine();
        }

        TextTable facts = new();
        AddFact(facts, "opened", plan.OpenedNodes);
        AddFact(facts, "closed", [.. plan.ClosedNodes.Select(node => $"{node}, which nobody would use")]);
        AddFact(facts, "drained", [.. plan.DrainedNodes.Select(node => $"{node} and everything above"), .. plan.DrainedUsers]);
        AddFact(facts, "moved", [.. plan.MovedNodes.Select(moved => $"{moved.Node} to {moved.Context}")]);
        AddFact(facts, "access", [.. plan.AccessChanges.Select(access => $"{access.Node} becomes {(access.IsReadOnly ? "read-only" : "writable")}")]);
        if (facts.HasRows)
        {
            facts.Print(output, Indent);
            output.WriteLine();
        }

        PrintVerdict(output, plan, isWithoutEffect: plan.Edges.Count == 0 && !facts.HasRows);
    }

    private static void PrintEdges(TextWriter output, GraphPlan plan)
    {
        TextTable table = new();
        table.Add("change", "edge", "", "before", plan.IsPossible ? "after" : "wanted");
        foreach (PlannedEdge edge in plan.Edges)
        {
            string change = edge.Change.ToString().ToLowerInvariant();
            string name = $"'{edge.Name}' of {edge.Parent}";
            foreach ((string what, string before, string after) in Aspects(edge))
            {
                table.Add(change, name, what, before, after);
                change = "";
                name = "";
            }
        }

        table.Print(output, Indent);
    }

    // Of an edge that stays where it is only what becomes different.
    private static IEnumerable<(string What, string Before, string After)> Aspects(PlannedEdge edge)
    {
        if (edge.Change is PlannedEdgeChange.Frozen or PlannedEdgeChange.Thawed)
        {
            bool isFrozen = edge.Change == PlannedEdgeChange.Frozen;
            yield return ("link", isFrozen ? "free" : "frozen", isFrozen ? "frozen" : "free");
            yield break;
        }

        if (edge.Change != PlannedEdgeChange.Permissions)
        {
            yield return ("leads to", edge.From ?? Absent, edge.To ?? Absent);
        }

        (string What, string Before, string After)[] permissions =
        [
            ("may", Text(edge.Before?.Required, isGone: edge.From is null), Text(edge.After?.Required, isGone: edge.To is null)),
            ("lets others", Text(edge.Before?.Shared, isGone: edge.From is null), Text(edge.After?.Shared, isGone: edge.To is null)),
        ];
        foreach ((string What, string Before, string After) aspect in permissions)
        {
            if (edge.Change != PlannedEdgeChange.Permissions || aspect.Before != aspect.After)
            {
                yield return aspect;
            }
        }
    }

    private static string Text(BlockPermissions? permissions, bool isGone) => permissions switch
    {
        null => isGone ? Absent : "?",
        BlockPermissions.None => "nothing",
        BlockPermissions.All => "everything",
        { } some => some.ToText(),
    };

    private static void AddFact(TextTable facts, string name, IReadOnlyList<string> values)
    {
        for (int i = 0; i < values.Count; i++)
        {
            facts.Add(i == 0 ? name : "", values[i]);
        }
    }

    private static void PrintVerdict(TextWriter output, GraphPlan plan, bool isWithoutEffect)
    {
        if (plan.Refusal is not { } refusal)
        {
            output.WriteLine(isWithoutEffect
                ? "Possible, and without effect on nodes, edges and permissions."
                : "Possible, as far as can be told without asking the drivers, who take locks and open files.");
            return;
        }

        string which = plan.RefusedEdit is { } index && plan.Edits.Count > 1 ? $"Change {index + 1} is refused" : "Refused";
        output.WriteLine($"{which}: {refusal.Message}");
        if (refusal.Hint is not null)
        {
            output.WriteLine(refusal.Hint);
        }

        if (plan.Conflict is { } conflict)
        {
            output.WriteLine();
            output.WriteLine(conflict.Explain());
        }
    }
}
