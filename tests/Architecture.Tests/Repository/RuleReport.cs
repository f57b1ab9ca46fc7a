namespace BlockGraph.Architecture.Tests.Repository;

/// <summary>Turns the violations of a rule into one failure that lists all of them.</summary>
internal static class RuleReport
{
    public static void AssertNone(IEnumerable<string> violations, string rule)
    {
        string[] found = [.. violations.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        Assert.That(found, Is.Empty, $"{rule}{Environment.NewLine}  {string.Join($"{Environment.NewLine}  ", found)}{Environment.NewLine}");
    }
}
