using BlockGraph.Architecture.Tests.Repository;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// Platform calls of the libraries and tools stand in <c>Linux/</c> folders, behind one seam. What comes with the runtime is the same on every platform, and no platform's call.
/// </summary>
internal static class PlatformCodeRule
{
    private const string PlatformFolder = "Linux";

    // The zlib of System.IO.Compression: DeflateStream cannot limit the window.
    private const string RuntimeLibrary = "\"libSystem.IO.Compression.Native\"";

    private static readonly HashSet<string> ImportAttributes = new(StringComparer.Ordinal)
    {
        "LibraryImport", "LibraryImportAttribute", "DllImport", "DllImportAttribute",
    };

    public static IEnumerable<string> Violations(SourceFile file) =>
        file.Folder.Split('/').Contains(PlatformFolder, StringComparer.Ordinal)
            ? []
            : file.Syntax.DescendantNodes()
                .OfType<AttributeSyntax>()
                .Where(attribute => ImportAttributes.Contains(attribute.Name.ToString().Split('.')[^1])
                    && attribute.ArgumentList?.Arguments.FirstOrDefault()?.ToString() != RuntimeLibrary)
                .Select(attribute => $"{file.Where(attribute)}: {attribute.Name} outside of a {PlatformFolder}/ folder");
}
