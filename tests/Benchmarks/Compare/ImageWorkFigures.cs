namespace BlockGraph.Benchmarks.Compare;

/// <summary>Work on whole images in a file system in memory: the tool beside QEMU's programs, in turns, as ratios of CPU and of wall time. What comes out is looked at.</summary>
internal static class ImageWorkFigures
{
    /// <summary>What the figures are called.</summary>
    public static IEnumerable<string> Names => ImageWorks.All.SelectMany(NamesOf);

    /// <summary>Measures those that are wanted, each in a folder of its own below <paramref name="parent"/>.</summary>
    public static IEnumerable<FigureResult> Measure(string tool, string parent, long rounds, Predicate<string> isWanted) =>
        ImageWorks.All.Where(work => NamesOf(work).Any(name => isWanted(name))).SelectMany(work => Measure(work, tool, parent, rounds));

    private static IEnumerable<string> NamesOf(ImageWork work) => work.Cpu is null ? [work.WallName] : [work.CpuName, work.WallName];

    private static List<FigureResult> Measure(ImageWork work, string tool, string parent, long rounds)
    {
        Console.Error.WriteLine(work.Name);
        using ImageWorkFolder folder = new(parent);
        work.Prepare(folder);
        List<double> cpu = [];
        List<double> wall = [];
        for (long round = 0; round < rounds; round++)
        {
            // Whoever is first in one round is last in the next.
            (double Cpu, double Wall)? ours = round % 2 == 0 ? null : Cost(work, folder, tool, [work.IsIo ? "io" : "img"]);
            (double Cpu, double Wall) theirs = Cost(work, folder, work.Program, []);
            ours ??= Cost(work, folder, tool, [work.IsIo ? "io" : "img"]);
            cpu.Add(ours.Value.Cpu / theirs.Cpu);
            wall.Add(ours.Value.Wall / theirs.Wall);
        }

        List<FigureResult> figures = [new FigureResult(work.WallName, "ratio", Spread.Of(wall), work.Wall.Must, work.Wall.Aim)];
        if (work.Cpu is { } limit)
        {
            figures.Insert(0, new FigureResult(work.CpuName, "ratio", Spread.Of(cpu), limit.Must, limit.Aim));
        }

        return figures;
    }

    private static (double Cpu, double Wall) Cost(ImageWork work, ImageWorkFolder folder, string program, string[] prefix)
    {
        double cpuNs = 0;
        double wallNs = 0;
        for (int i = 0; i < work.Count; i++)
        {
            folder.RunQemuImg(work.Before);
            if (work.Target is not null)
            {
                File.Delete(folder.File(work.Target));
            }

            ChildRun run = ImageWorkFolder.Checked(ChildRun.Of(program, [.. prefix, .. folder.Named(work.Arguments)]));
            cpuNs += run.CpuNs;
            wallNs += run.WallNs;
            folder.RunQemuImg(work.After);
        }

        folder.RunQemuImg(work.Check);
        return (cpuNs, wallNs);
    }
}
