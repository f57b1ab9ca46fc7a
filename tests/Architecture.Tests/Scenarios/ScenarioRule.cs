using System.Globalization;
using System.Text.RegularExpressions;
using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Scenarios;

/// <summary>
/// Each scenario of the graph core has a test whose name begins with its number, <c>S07_…</c>: in category <c>Scenario</c>, never ignored, never
/// explicit, and never skipped by its own body.
/// </summary>
internal static partial class ScenarioRule
{
    /// <summary>How many scenarios there are.</summary>
    public const int Count = 72;

    /// <summary>56, 65 and 66 need mirror and backup.</summary>
    private static readonly HashSet<int> s_later = [56, 65, 66];

    /// <summary>What is wrong with the scenarios among <paramref name="files"/>.</summary>
    public static IEnumerable<string> Violations(IReadOnlyCollection<SourceFile> files)
    {
        Dictionary<string, bool> categories = CategoriesByType(files);
        HashSet<int> found = [];
        foreach (SourceFile file in files)
        {
            foreach (MethodDeclarationSyntax method in file.Syntax.DescendantNodes().OfType<MethodDeclarationSyntax>())
            {
                if (NumberOf(method) is not { } number)
                {
                    continue;
                }

                found.Add(number);
                foreach (string violation in Violations(method, categories))
                {
                    yield return $"{file.Where(method)}: {method.Identifier.Text} {violation}";
                }
            }
        }

        for (int number = 1; number <= Count; number++)
        {
            if (!found.Contains(number) && !s_later.Contains(number))
            {
                yield return $"no test is called S{number:00}_…";
            }
        }
    }

    private static int? NumberOf(MethodDeclarationSyntax method) =>
        IsTest(method) && Prefix().Match(method.Identifier.Text) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    private static bool IsTest(MethodDeclarationSyntax method) => Attributes(method.AttributeLists).Any(name => name.StartsWith("Test", StringComparison.Ordinal));

    private static IEnumerable<string> Violations(MethodDeclarationSyntax method, Dictionary<string, bool> categories)
    {
        TypeDeclarationSyntax type = method.FirstAncestorOrSelf<TypeDeclarationSyntax>()!;
        if (!IsScenario(method.AttributeLists) && !HasCategory(type, categories))
        {
            yield return "is not in category Scenario";
        }

        foreach (string name in Attributes(method.AttributeLists).Concat(Attributes(type.AttributeLists)).Where(name => name is "Ignore" or "Explicit"))
        {
            yield return $"is marked {name}";
        }

        if (method.DescendantNodes().OfType<MemberAccessExpressionSyntax>().Any(access => access.ToString() is "Assert.Ignore" or "Assert.Inconclusive" or "Assert.Pass"))
        {
            yield return "may skip itself";
        }
    }

    // A fixture has the category of its base.
    private static bool HasCategory(TypeDeclarationSyntax type, Dictionary<string, bool> categories) =>
        categories[type.Identifier.Text] || (type.BaseList?.Types.Any(b => categories.GetValueOrDefault(b.Type.ToString())) ?? false);

    private static Dictionary<string, bool> CategoriesByType(IEnumerable<SourceFile> files)
    {
        Dictionary<string, bool> categories = new(StringComparer.Ordinal);
        foreach (TypeDeclarationSyntax type in files.SelectMany(file => file.Syntax.DescendantNodes().OfType<TypeDeclarationSyntax>()))
        {
            categories[type.Identifier.Text] = categories.GetValueOrDefault(type.Identifier.Text) || IsScenario(type.AttributeLists);
        }

        return categories;
    }

    private static bool IsScenario(SyntaxList<AttributeListSyntax> lists) =>
        lists.SelectMany(list => list.Attributes).Any(a => a.Name.ToString() == "Category" && a.ArgumentList?.Arguments.ToString() == "\"Scenario\"");

    private static IEnumerable<string> Attributes(SyntaxList<AttributeListSyntax> lists) => lists.SelectMany(list => list.Attributes).Select(a => a.Name.ToString());

    [GeneratedRegex("^S([0-9]{2})_")]
    private static partial Regex Prefix();
}
