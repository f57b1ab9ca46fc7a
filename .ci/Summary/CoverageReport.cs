using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace BlockGraph.ContinuousIntegration;

/// <summary>
/// The coverage of all test projects together: a line is covered when any of their reports covers it. Code that a generator wrote (it
/// stands under <c>obj/</c>) does not count.
/// </summary>
internal sealed class CoverageReport
{
    public const double LeastPercent = 85;

    private static readonly string[] Measured = ["BlockGraph.BlockCore", "BlockGraph.Drivers", "BlockGraph.Qapi"];

    private readonly SortedDictionary<string, Dictionary<(string File, int Line), bool>> _assemblies = new(StringComparer.Ordinal);

    public static CoverageReport Read(string folder)
    {
        CoverageReport report = new();
        foreach (string path in Directory.Exists(folder) ? Directory.GetFiles(folder, "coverage.cobertura.xml", SearchOption.AllDirectories) : [])
        {
            report.Add(XDocument.Load(path));
        }

        return report;
    }

    public void Add(XDocument cobertura)
    {
        string[] sources = [.. cobertura.Descendants("source").Select(source => source.Value)];
        foreach (XElement package in cobertura.Descendants("package"))
        {
            string assembly = package.Attribute("name")!.Value;
            foreach (XElement type in package.Descendants("class"))
            {
                string file = Resolve(sources, type.Attribute("filename")!.Value);
                if (!file.Contains("/obj/", StringComparison.Ordinal) && !file.StartsWith("obj/", StringComparison.Ordinal))
                {
                    Add(assembly, file, type.Element("lines")?.Elements("line") ?? []);
                }
            }
        }
    }

    /// <summary>The covered share of an assembly's lines in per cent, or null where no report has a line of it.</summary>
    public double? Percent(string assembly) =>
        _assemblies.TryGetValue(assembly, out Dictionary<(string File, int Line), bool>? lines)
            ? 100.0 * lines.Values.Count(isCovered => isCovered) / lines.Count
            : null;

    public IEnumerable<string> Problems()
    {
        foreach (string assembly in Measured)
        {
            if (Percent(assembly) is not double percent)
            {
                yield return $"{assembly} is in no coverage report";
            }
            else if (percent < LeastPercent)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{assembly}: {percent:F2} % of its lines are covered, {LeastPercent} % are needed");
            }
        }
    }

    public string Table()
    {
        StringBuilder table = new();
        table.Append(CultureInfo.InvariantCulture, $"{"coverage",-32}{"lines",8}{"covered",8}{"%",8}\n");
        foreach ((string assembly, Dictionary<(string File, int Line), bool> lines) in _assemblies)
        {
            table.Append(CultureInfo.InvariantCulture, $"{assembly,-32}{lines.Count,8}{lines.Values.Count(isCovered => isCovered),8}{Percent(assembly),8:F2}\n");
        }

        return table.ToString();
    }

    private void Add(string assembly, string file, IEnumerable<XElement> elements)
    {
        foreach (XElement element in elements)
        {
            if (!_assemblies.TryGetValue(assembly, out Dictionary<(string File, int Line), bool>? lines))
            {
                _assemblies[assembly] = lines = [];
            }

            (string File, int Line) key = (file, int.Parse(element.Attribute("number")!.Value, CultureInfo.InvariantCulture));
            bool isCovered = long.Parse(element.Attribute("hits")!.Value, CultureInfo.InvariantCulture) > 0;
            lines[key] = isCovered || lines.GetValueOrDefault(key);
        }
    }

    /// <summary>A report names files relative to one of its source folders, which differ from report to report; the full path does not.</summary>
    private static string Resolve(string[] sources, string file)
    {
        string path = sources.Select(source => Path.Combine(source, file)).FirstOrDefault(File.Exists) ?? file;
        return path.Replace('\\', '/');
    }
}
