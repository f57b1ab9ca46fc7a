using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// A method has at most 70 lines from its signature to its last brace; comments above it and attributes do not count. Constructors,
/// operators, accessors and top-level programs are methods too; a local function or lambda counts as part of the one around it.
/// </summary>
internal static class MethodLengthRule
{
    public const int HardLines = 70;

    public static IEnumerable<string> Violations(SourceFile file)
    {
        foreach (SyntaxNode node in file.Syntax.DescendantNodes())
        {
            int? lines = node switch
            {
                BaseMethodDeclarationSyntax method => LinesFromSignature(method, method.AttributeLists),
                AccessorDeclarationSyntax accessor => LinesFromSignature(accessor, accessor.AttributeLists),
                PropertyDeclarationSyntax { ExpressionBody: not null } property => LinesFromSignature(property, property.AttributeLists),
                _ => null,
            };
            if (lines > HardLines)
            {
                yield return $"{file.Where(node)}: a method of {lines} lines; {HardLines} is the end";
            }
        }

        GlobalStatementSyntax[] program = [.. file.Syntax.Members.OfType<GlobalStatementSyntax>()];
        if (program.Length > 0 && Lines(program[0].GetFirstToken(), program[^1].GetLastToken()) is > HardLines and int length)
        {
            yield return $"{file.Path}: a top-level program of {length} lines; {HardLines} is the end";
        }
    }

    private static int LinesFromSignature(SyntaxNode node, SyntaxList<AttributeListSyntax> attributes)
    {
        SyntaxToken first = attributes.Count == 0 ? node.GetFirstToken() : attributes[^1].GetLastToken().GetNextToken();
        return Lines(first, node.GetLastToken());
    }

    private static int Lines(SyntaxToken first, SyntaxToken last) =>
        last.GetLocation().GetLineSpan().EndLinePosition.Line - first.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}
