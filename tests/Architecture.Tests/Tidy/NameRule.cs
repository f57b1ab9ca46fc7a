using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// Names that say nothing (a helper without a home is a concept without a name), and names that hide the base class library's.
/// </summary>
internal static class NameRule
{
    private static readonly string[] EmptyEndings =
    [
        "Util", "Utils", "Utility", "Utilities", "Helper", "Helpers", "Common", "Manager",
    ];

    private static readonly string[] HidingTypes = ["Stream", "Meter"];

    private static readonly string[] HidingNamespaceEndings = [".File", ".Monitor"];

    public static IEnumerable<string> Violations(SourceFile file)
    {
        if (EmptyEnding(file.Noun) is string fileEnding)
        {
            yield return $"{file.Path}: a file named ...{fileEnding}";
        }

        foreach (string part in file.Folder.Split('/').Where(part => EmptyEnding(part) is not null))
        {
            yield return $"{file.Path}: a folder named {part}";
        }

        foreach (BaseNamespaceDeclarationSyntax declaration in file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>())
        {
            string name = declaration.Name.ToString();
            if (HidingNamespaceEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))
            {
                yield return $"{file.Where(declaration)}: the namespace {name} hides a type of System";
            }
        }

        foreach (MemberDeclarationSyntax type in file.AllTypes())
        {
            string name = SourceFile.NameOf(type);
            if (EmptyEnding(name) is string ending)
            {
                yield return $"{file.Where(type)}: a type named ...{ending}: {name}";
            }

            if (HidingTypes.Contains(name, StringComparer.Ordinal))
            {
                yield return $"{file.Where(type)}: a type {name} hides the base class library's";
            }
        }
    }

    private static string? EmptyEnding(string name) =>
        EmptyEndings.FirstOrDefault(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase) && IsWord(name, ending));

    /// <summary>The ending is a word of its own: the whole name, or a capital after something else.</summary>
    private static bool IsWord(string name, string ending) => name.Length == ending.Length || char.IsUpper(name[^ending.Length]);
}
