using System.Text.Json;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Plan;

/// <summary>Prints a plan as one JSON object.</summary>
internal static class PlanJson
{
    /// <summary>Prints <paramref name="plan"/>.</summary>
    public static void Print(TextWriter output, GraphPlan plan) => JsonLines.Print(output, isIndented: true, writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("possible", plan.IsPossible);
        WriteTexts(writer, "edits", plan.Edits);
        writer.WriteStartArray("edges");
        foreach (PlannedEdge edge in plan.Edges)
        {
            WriteEdge(writer, edge);
        }

        writer.WriteEndArray();
        WriteTexts(writer, "opened", plan.OpenedNodes);
        WriteTexts(writer, "closed", plan.ClosedNodes);
        WriteTexts(writer, "drained-nodes", plan.DrainedNodes);
        WriteTexts(writer, "drained-users", plan.DrainedUsers);
        writer.WriteStartArray("moved");
        foreach ((string node, string context) in plan.MovedNodes)
        {
            writer.WriteStartObject();
            writer.WriteString("node-name", node);
            writer.WriteString("context", context);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("access");
        foreach ((string node, bool isReadOnly) in plan.AccessChanges)
        {
            writer.WriteStartObject();
            writer.WriteString("node-name", node);
            writer.WriteBoolean("read-only", isReadOnly);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteRefusal(writer, plan);
        writer.WriteEndObject();
    });

    private static void WriteEdge(Utf8JsonWriter writer, PlannedEdge edge)
    {
        writer.WriteStartObject();
        writer.WriteString("change", edge.Change.ToString().ToLowerInvariant());
        writer.WriteString("parent", edge.Parent);
        writer.WriteString("name", edge.Name);
        writer.WriteString("from", edge.From);
        writer.WriteString("to", edge.To);
        WritePermissions(writer, "before", edge.Before);
        WritePermissions(writer, "after", edge.After);
        writer.WriteEndObject();
    }

    private static void WritePermissions(Utf8JsonWriter writer, string property, PermissionSet? permissions)
    {
        if (permissions is not { } set)
        {
            writer.WriteNull(property);
            return;
        }

        writer.WriteStartObject(property);
        WriteTexts(writer, "granted", Hyphenated(set.Required));
        WriteTexts(writer, "shared", Hyphenated(set.Shared));
        writer.WriteEndObject();
    }

    private static void WriteRefusal(Utf8JsonWriter writer, GraphPlan plan)
    {
        if (plan.Refusal is not { } refusal)
        {
            writer.WriteNull("refusal");
            return;
        }

        writer.WriteStartObject("refusal");
        writer.WriteString("message", refusal.Message);
        if (plan.RefusedEdit is { } index)
        {
            writer.WriteNumber("edit", index);
        }

        if (plan.Conflict is { } conflict)
        {
            writer.WriteStartObject("conflict");
            writer.WriteString("node-name", conflict.Node.Name);
            WriteTexts(writer, "permissions", Hyphenated(conflict.Bits));
            WriteUser(writer, "required-by", conflict.User);
            if (conflict.Other is { } other)
            {
                WriteUser(writer, "unshared-by", other);
            }

            writer.WriteString("explanation", conflict.Explain());
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteUser(Utf8JsonWriter writer, string property, BlockChild edge)
    {
        writer.WriteStartObject(property);
        writer.WriteString("parent", edge.Parent.Description);
        writer.WriteString("name", edge.Name);
        writer.WriteEndObject();
    }

    // In JSON a permission is one word, as in QEMU's own graph dumps.
    private static IEnumerable<string> Hyphenated(BlockPermissions permissions) => permissions.Names().Select(name => name.Replace(' ', '-'));

    private static void WriteTexts(Utf8JsonWriter writer, string property, IEnumerable<string> texts)
    {
        writer.WriteStartArray(property);
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
