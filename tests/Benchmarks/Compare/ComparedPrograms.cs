namespace BlockGraph.Benchmarks.Compare;

/// <summary>The programs that take part, those of them that are here.</summary>
internal sealed class ComparedPrograms
{
    private readonly Dictionary<string, string> _versions = [];

    /// <summary>Looks for them.</summary>
    /// <param name="tool">The published tool.</param>
    public ComparedPrograms(string tool)
    {
        Tool = tool;
        foreach (string name in Names)
        {
            if (VersionOf(name) is { } version)
            {
                _versions.Add(name, version);
            }
        }
    }

    /// <summary>The program that is compared with.</summary>
    public const string QemuImg = "qemu-img";

    /// <summary>What reads QEMU's side back.</summary>
    public const string QemuIo = "qemu-io";

    /// <summary>For information, on the same files.</summary>
    public const string Fio = "fio";

    /// <summary>Serves what the rows of network storage compare with.</summary>
    public const string Nbdkit = "nbdkit";

    private static string[] Names => [QemuImg, QemuIo, Fio, Nbdkit];

    /// <summary>Our program.</summary>
    public string Tool { get; }

    /// <summary>The versions of the others that are here, by name.</summary>
    public IReadOnlyDictionary<string, string> Versions => _versions;

    /// <summary>Those that are not.</summary>
    public IEnumerable<string> Missing => Names.Where(name => !Has(name));

    /// <summary>True where <paramref name="name"/> is here.</summary>
    public bool Has(string name) => _versions.ContainsKey(name);

    private static string? VersionOf(string name)
    {
        try
        {
            ChildRun run = ChildRun.Of(name, "--version");
            return run.ExitCode == 0 ? run.Output.Split('\n')[0].Trim() : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
