namespace BlockGraph.Benchmarks.Compare;

/// <summary>Work on whole images in a file system in memory: the tool beside qemu-img, in turns, as ratios of CPU and of wall time. What comes out is compared byte by byte.</summary>
internal sealed class ImageWorkFigures
{
    private const long Mebibyte = 1 << 20;
    private const string HalfFull = "convert raw to raw, 2 GiB half full";
    private const string Sparse = "convert raw to raw, 64 GiB with 1 % of data";
    private const string Equal = "compare of equal images, 2 GiB half full";
    private const string Information = "info of a small image";

    // One alone is over before the clock has moved far.
    private const int InformationCount = 20;

    private static readonly (string Name, double Must, double Aim)[] s_work = [(HalfFull, 0.95, 0.8), (Sparse, 0.6, 0.6), (Equal, 0.8, 0.8), (Information, 0.7, 0.45)];

    private readonly string _tool;
    private readonly string _folder;
    private readonly long _rounds;

    private ImageWorkFigures(string tool, string folder, long rounds)
    {
        _tool = tool;
        _folder = folder;
        _rounds = rounds;
    }

    /// <summary>What the figures are called.</summary>
    public static IEnumerable<string> Names => s_work.SelectMany(work => new[] { CpuName(work.Name), WallName(work.Name) });

    /// <summary>Measures those that are wanted, in a folder of its own below <paramref name="parent"/>.</summary>
    public static IEnumerable<FigureResult> Measure(string tool, string parent, long rounds, Predicate<string> isWanted)
    {
        string folder = Path.Combine(parent, $"blockgraph-compare-work-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            ImageWorkFigures figures = new(tool, folder, rounds);
            return [.. s_work.Where(work => isWanted(CpuName(work.Name)) || isWanted(WallName(work.Name))).SelectMany(work => figures.Measure(work.Name, work.Must, work.Aim))];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string CpuName(string work) => $"{work}: CPU beside qemu-img's";

    private static string WallName(string work) => $"{work}: wall time beside qemu-img's";

    private FigureResult[] Measure(string work, double must, double aim)
    {
        Console.Error.WriteLine(work);
        string source = Path.Combine(_folder, "source.img");
        string target = Path.Combine(_folder, "target.img");
        (long lengthBytes, int oneIn) = work switch { Sparse => (64 * 1024 * Mebibyte, 100), Information => (Mebibyte, 1), _ => (2048 * Mebibyte, 2) };
        MakeSource(source, lengthBytes, oneIn);
        if (work is Equal or Information)
        {
            Convert(ComparedPrograms.QemuImg, [], source, target);
        }

        List<double> cpu = [];
        List<double> wall = [];
        for (long round = 0; round < _rounds; round++)
        {
            // Whoever is first in one round is last in the next.
            (double Cpu, double Wall)? ours = round % 2 == 0 ? null : Cost(_tool, ["img"], work, source, target);
            (double Cpu, double Wall) theirs = Cost(ComparedPrograms.QemuImg, [], work, source, target);
            ours ??= Cost(_tool, ["img"], work, source, target);
            cpu.Add(ours.Value.Cpu / theirs.Cpu);
            wall.Add(ours.Value.Wall / theirs.Wall);
        }

        if (ChildRun.Of(ComparedPrograms.QemuImg, "compare", "-f", "raw", "-F", "raw", source, target).ExitCode != 0)
        {
            throw new ArgumentException($"{work}: the target is not what the source is");
        }

        File.Delete(source);
        File.Delete(target);
        return [new FigureResult(CpuName(work), "ratio", Spread.Of(cpu), must, aim), new FigureResult(WallName(work), "ratio", Spread.Of(wall), must, aim)];
    }

    private static (double Cpu, double Wall) Cost(string program, string[] prefix, string work, string source, string target)
    {
        ChildRun[] runs = [.. Enumerable.Range(0, work == Information ? InformationCount : 1).Select(_ => work switch
        {
            Equal => Checked(ChildRun.Of(program, [.. prefix, "compare", "-f", "raw", "-F", "raw", source, target])),
            Information => Checked(ChildRun.Of(program, [.. prefix, "info", "-f", "raw", source])),
            _ => Convert(program, prefix, source, target),
        })];
        return (runs.Sum(run => run.CpuNs), runs.Sum(run => run.WallNs));
    }

    private static ChildRun Convert(string program, string[] prefix, string source, string target)
    {
        File.Delete(target);
        return Checked(ChildRun.Of(program, [.. prefix, "convert", "-f", "raw", "-O", "raw", source, target]));
    }

    private static ChildRun Checked(ChildRun run) => run.ExitCode == 0 ? run : throw new ArgumentException($"work on an image failed: {run.Output}");

    // One mebibyte of data in each so many, no two alike.
    private static void MakeSource(string path, long lengthBytes, int oneIn)
    {
        using FileStream file = new(path, FileMode.Create);
        file.SetLength(lengthBytes);
        byte[] data = new byte[Mebibyte];
        for (long offset = 0; offset < lengthBytes; offset += oneIn * Mebibyte)
        {
            Array.Fill(data, (byte)(1 + (offset / Mebibyte % 255)));
            file.Position = offset;
            file.Write(data);
        }
    }
}
