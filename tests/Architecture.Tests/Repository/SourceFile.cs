using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Repository;

/// <summary>One C# file: its path relative to the root (forward slashes), its text, and its syntax when somebody asks.</summary>
internal sealed class SourceFile
{
    private static readonly CSharpParseOptions ParseOptions = CSharpParseOptions.Default
        .WithLanguageVersion(LanguageVersion.Latest)
        .WithDocumentationMode(DocumentationMode.None);

    private readonly Lazy<CompilationUnitSyntax> _syntax;

    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        _syntax = new Lazy<CompilationUnitSyntax>(
            () => (CompilationUnitSyntax)CSharpSyntaxTree.ParseText(Text, ParseOptions, Path).GetRoot());
    }

    public string Path { get; }

    public string Text { get; }

    public CompilationUnitSyntax Syntax => _syntax.Value;

    public bool IsProduct => Path.StartsWith("src/", StringComparison.Ordinal);

    /// <summary>The file's name without folder and without anything from the first dot: <c>AioContext.Calls.cs</c> gives <c>AioContext</c>.</summary>
    public string Noun => System.IO.Path.GetFileName(Path).Split('.')[0];

    public string Folder => Path[..Math.Max(0, Path.LastIndexOf('/'))];

    public int LineCount => Text.Count(letter => letter == '\n') + (Text.Length > 0 && !Text.EndsWith('\n') ? 1 : 0);

    /// <summary>Where a node stands, as <c>path:line</c>.</summary>
    public string Where(SyntaxNode node) => Where(node.GetLocation());

    /// <summary>Where something stands, as <c>path:line</c>.</summary>
    public string Where(Location location) => $"{Path}:{location.GetLineSpan().StartLinePosition.Line + 1}";

    /// <summary>The types that this file declares at its top level, whatever namespace they are in.</summary>
    public IEnumerable<MemberDeclarationSyntax> TopLevelTypes() =>
        Syntax.DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax)
            .OfType<MemberDeclarationSyntax>()
            .Where(member => member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax);

    /// <summary>Every type that this file declares, nested ones included.</summary>
    public IEnumerable<MemberDeclarationSyntax> AllTypes() =>
        Syntax.DescendantNodes()
            .OfType<MemberDeclarationSyntax>()
            .Where(member => member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax);

    public static string NameOf(MemberDeclarationSyntax type) => type switch
    {
        BaseTypeDeclarationSyntax declaration => declaration.Identifier.Text,
        DelegateDeclarationSyntax declaration => declaration.Identifier.Text,
        _ => throw new ArgumentException($"{type.Kind()} is no type declaration.", nameof(type)),
    };
}
