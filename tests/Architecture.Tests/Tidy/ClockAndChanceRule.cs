using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// Tests neither sleep nor read the wall clock, and their chance has a printed seed. The calls that must (a stress run on real threads, a
/// benchmark) stand in <c>RealTime.txt</c> with a reason.
/// </summary>
internal static class ClockAndChanceRule
{
    private static readonly HashSet<string> BannedMembers = new(StringComparer.Ordinal)
    {
        "Thread.Sleep", "Task.Delay", "DateTime.Now", "DateTime.UtcNow", "DateTime.Today", "DateTimeOffset.Now", "DateTimeOffset.UtcNow", "Random.Shared",
    };

    /// <summary>One entry for each banned call of a file, as the call is listed.</summary>
    public static IEnumerable<(string Call, string Where)> Calls(SourceFile file)
    {
        foreach (SyntaxNode node in file.Syntax.DescendantNodes())
        {
            string? call = node switch
            {
                MemberAccessExpressionSyntax access => BannedMember(access),
                ObjectCreationExpressionSyntax { ArgumentList.Arguments.Count: 0, Type: var type } when LastName(type) == "Random" => "new Random()",
                VariableDeclarationSyntax { Type: var type, Variables: var variables } when LastName(type) == "Random" && variables.Any(IsBareNew) => "new Random()",
                _ => null,
            };
            if (call is not null)
            {
                yield return (call, file.Where(node));
            }
        }
    }

    public static IEnumerable<string> Violations(IEnumerable<SourceFile> files, IReadOnlyList<string[]> allowances)
    {
        HashSet<(string Path, string Call)> allowed = [.. allowances.Select(row => (row[0], row[1]))];
        HashSet<(string Path, string Call)> used = [];
        foreach (SourceFile file in files)
        {
            foreach ((string call, string where) in Calls(file))
            {
                used.Add((file.Path, call));
                if (!allowed.Contains((file.Path, call)))
                {
                    yield return $"{where}: {call}";
                }
            }
        }

        foreach ((string path, string call) in allowed.Except(used))
        {
            yield return $"{path}: lists {call} and does not call it: remove the row";
        }
    }

    private static string? BannedMember(MemberAccessExpressionSyntax access)
    {
        string name = $"{LastName(access.Expression)}.{access.Name.Identifier.Text}";
        return BannedMembers.Contains(name) ? name : null;
    }

    private static bool IsBareNew(VariableDeclaratorSyntax variable) =>
        variable.Initializer?.Value is ImplicitObjectCreationExpressionSyntax { ArgumentList.Arguments.Count: 0 };

    private static string LastName(SyntaxNode name) => name.ToString().Split('.')[^1];
}
