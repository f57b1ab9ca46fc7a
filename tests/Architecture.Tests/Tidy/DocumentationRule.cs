using System.Xml.Linq;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>
/// The compiler fails a build on an undocumented public member (CS1591) where documentation files are made and warnings are errors. This
/// rule holds both in place for <c>src/</c>: the root says so, and no project below takes it back.
/// </summary>
internal static class DocumentationRule
{
    private static readonly string[] RequiredInRoot = ["GenerateDocumentationFile", "TreatWarningsAsErrors"];

    /// <summary>What the root's build settings lack.</summary>
    public static IEnumerable<string> RootViolations(string path, string text) =>
        RequiredInRoot
            .Where(property => !Values(text, property).Contains("true", StringComparer.OrdinalIgnoreCase))
            .Select(property => $"{path}: {property} must be true");

    /// <summary>What a build file of <c>src/</c> takes back.</summary>
    public static IEnumerable<string> ProjectViolations(string path, string text) =>
        RequiredInRoot
            .Where(property => Values(text, property).Any(value => !value.Equals("true", StringComparison.OrdinalIgnoreCase)))
            .Select(property => $"{path}: {property} must not be taken back")
            .Concat(Values(text, "NoWarn")
                .Where(value => value.Contains("1591", StringComparison.Ordinal))
                .Select(_ => $"{path}: CS1591 must stay on in src/"));

    private static string[] Values(string text, string property) =>
        [.. XDocument.Parse(text).Descendants().Where(element => element.Name.LocalName == property).Select(element => element.Value.Trim())];
}
