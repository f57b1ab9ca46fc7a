using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// Folder = namespace, and in <c>src/</c> one concept a file, named by its noun. Small companions of the noun may stay with it: an enum, a
/// delegate, its extensions, anything of up to 25 lines.
/// </summary>
internal static class PlaceRule
{
    private const int CompanionLinesMax = 25;

    /// <summary>The namespace that a file's types belong to, from its path.</summary>
    public static string ExpectedNamespace(SourceFile file) => $"BlockGraph.{string.Join('.', file.Folder.Split('/').Skip(1))}";

    public static IEnumerable<string> NamespaceViolations(SourceFile file)
    {
        string expected = ExpectedNamespace(file);
        foreach (MemberDeclarationSyntax type in file.TopLevelTypes())
        {
            string actual = type.Ancestors().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString() ?? string.Empty;
            bool isProgram = actual.Length == 0 && SourceFile.NameOf(type) == "Program";
            if (actual != expected && !isProgram)
            {
                yield return $"{file.Where(type)}: {SourceFile.NameOf(type)} is in namespace '{actual}', its folder says {expected}";
            }
        }
    }

    public static IEnumerable<string> ConceptViolations(SourceFile file)
    {
        MemberDeclarationSyntax[] types = [.. file.TopLevelTypes()];
        if (types.Length == 0)
        {
            yield break;
        }

        string noun = file.Noun.Split('{', '`')[0];
        if (!types.Any(type => SourceFile.NameOf(type) == noun))
        {
            yield return $"{file.Path}: declares {string.Join(", ", types.Select(SourceFile.NameOf))}, and nothing named {noun}";
        }

        foreach (MemberDeclarationSyntax type in types.Where(type => SourceFile.NameOf(type) != noun && IsPublic(type) && !IsCompanion(type, noun)))
        {
            yield return $"{file.Where(type)}: {SourceFile.NameOf(type)} is a second concept and needs its own file";
        }
    }

    private static bool IsPublic(MemberDeclarationSyntax type) => type.Modifiers.Any(SyntaxKind.PublicKeyword);

    private static bool IsCompanion(MemberDeclarationSyntax type, string noun) =>
        type is EnumDeclarationSyntax or DelegateDeclarationSyntax
        || SourceFile.NameOf(type) == $"{noun}Extensions"
        || LineCount(type) <= CompanionLinesMax;

    private static int LineCount(MemberDeclarationSyntax type)
    {
        FileLinePositionSpan span = type.GetLocation().GetLineSpan();
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
