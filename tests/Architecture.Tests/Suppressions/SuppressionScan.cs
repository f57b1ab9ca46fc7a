using System.Text.RegularExpressions;
using System.Xml.Linq;
using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Suppressions;

/// <summary>
/// Finds every switched-off rule: <c>#pragma warning disable</c>, <c>#nullable disable</c>, the SuppressMessage attributes, <c>NoWarn</c> and
/// its kin in build files, a severity of none or silent in <c>.editorconfig</c>.
/// </summary>
internal static partial class SuppressionScan
{
    private const string EveryRule = "*";

    private static readonly string[] SuppressAttributes = ["SuppressMessage", "UnconditionalSuppressMessage"];

    private static readonly string[] SuppressProperties = ["NoWarn", "WarningsNotAsErrors", "DisabledWarnings"];

    public static IEnumerable<Suppression> InTree() =>
        RepositoryTree.Sources.SelectMany(InSource)
            .Concat(RepositoryTree.Files().Where(IsBuildFile).SelectMany(path => InBuildFile(path, RepositoryTree.ReadText(path))))
            .Concat(RepositoryTree.Files().Where(IsAnalyzerConfig).SelectMany(path => InAnalyzerConfig(path, RepositoryTree.ReadText(path))));

    public static IEnumerable<Suppression> InSource(SourceFile file)
    {
        foreach (SyntaxNode node in file.Syntax.DescendantNodes(descendIntoTrivia: true))
        {
            string[] rules = node switch
            {
                PragmaWarningDirectiveTriviaSyntax pragma when pragma.DisableOrRestoreKeyword.IsKind(SyntaxKind.DisableKeyword) => Rules(pragma),
                NullableDirectiveTriviaSyntax nullable when nullable.SettingToken.IsKind(SyntaxKind.DisableKeyword) => ["nullable"],
                AttributeSyntax attribute when IsSuppression(attribute) => [Rule(attribute)],
                _ => [],
            };
            foreach (string rule in rules)
            {
                yield return new Suppression(file.Path, rule);
            }
        }
    }

    public static IEnumerable<Suppression> InBuildFile(string path, string text)
    {
        XElement root = XDocument.Parse(text).Root!;
        IEnumerable<string> values = root.DescendantsAndSelf()
            .Where(element => SuppressProperties.Contains(element.Name.LocalName, StringComparer.Ordinal))
            .Select(element => element.Value)
            .Concat(root.DescendantsAndSelf()
                .Attributes()
                .Where(attribute => SuppressProperties.Contains(attribute.Name.LocalName, StringComparer.Ordinal))
                .Select(attribute => attribute.Value));
        return values
            .SelectMany(value => value.Split([';', ',', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Where(rule => !rule.StartsWith("$(", StringComparison.Ordinal))
            .Select(rule => new Suppression(path, Normal(rule)));
    }

    public static IEnumerable<Suppression> InAnalyzerConfig(string path, string text) =>
        text.Split('\n').Select(line => SilencedRule().Match(line)).Where(match => match.Success).Select(match => new Suppression(path, match.Groups["rule"].Value));

    private static bool IsBuildFile(string path) => Path.GetExtension(path) is ".csproj" or ".props" or ".targets";

    private static bool IsAnalyzerConfig(string path) => Path.GetExtension(path) is ".editorconfig" or ".globalconfig";

    private static string[] Rules(PragmaWarningDirectiveTriviaSyntax pragma) =>
        pragma.ErrorCodes.Count == 0 ? [EveryRule] : [.. pragma.ErrorCodes.Select(code => Normal(code.ToString()))];

    private static bool IsSuppression(AttributeSyntax attribute)
    {
        string name = attribute.Name.ToString().Split('.')[^1];
        return SuppressAttributes.Any(known => name == known || name == $"{known}Attribute");
    }

    private static string Rule(AttributeSyntax attribute)
    {
        string id = attribute.ArgumentList?.Arguments.ElementAtOrDefault(1)?.Expression is LiteralExpressionSyntax literal
            ? literal.Token.ValueText
            : EveryRule;
        return id.Split(':')[0].Trim();
    }

    /// <summary>A bare number is a compiler warning: <c>1591</c> is <c>CS1591</c>.</summary>
    private static string Normal(string rule) => rule.All(char.IsAsciiDigit) ? $"CS{rule.PadLeft(4, '0')}" : rule;

    [GeneratedRegex(@"^\s*dotnet_(diagnostic\.(?<rule>\S+)|analyzer_diagnostic(?<rule>\S*))\.severity\s*=\s*(none|silent)\b")]
    private static partial Regex SilencedRule();
}
