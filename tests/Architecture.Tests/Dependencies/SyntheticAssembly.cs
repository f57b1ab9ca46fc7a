using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>Compiles a few lines of C# in memory, so that a rule can be shown a violation.</summary>
internal static class SyntheticAssembly
{
    public static IReadOnlySet<TypeDependency> Scan(string name, string source)
    {
        using MemoryStream image = Compile(name, source);
        return AssemblyScan.Read(image);
    }

    public static Assembly Load(string name, string source)
    {
        using MemoryStream image = Compile(name, source);
        return Assembly.Load(image.ToArray());
    }

    private static MemoryStream Compile(string name, string source)
    {
        string platform = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        CSharpCompilation compilation = CSharpCompilation.Create(
            name,
            [CSharpSyntaxTree.ParseText(source)],
            platform.Split(Path.PathSeparator)
                .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal))
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        MemoryStream image = new();
        EmitResult result = compilation.Emit(image);
        Assert.That(result.Success, Is.True, string.Join(Environment.NewLine, result.Diagnostics));
        image.Position = 0;
        return image;
    }
}
