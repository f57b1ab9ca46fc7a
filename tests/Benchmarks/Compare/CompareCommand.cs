using BlockGraph.BlockCore.Io;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>
/// Everything that is held against QEMU, in one run: each row by both programs in turns, so that a busy machine disturbs them alike. CPU is that
/// of the whole process, starting it included; numbers of requests make that small.
/// </summary>
internal static class CompareCommand
{
    private const long RoundsDefault = 5;
    private const string AllocationsName = "allocated a request, raw over file, depth 64, reads and writes";
    private const long AllocationsCount = 100_000;

    // What the runtime's own threads allocate now and then.
    private const double AllocatedBytesMax = 0.01;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, ["only", "rounds", "count-scale", "dir", "out"], ["list"]);
        string only = arguments.Text("only") ?? string.Empty;
        long rounds = arguments.Number("rounds", RoundsDefault);
        double countScale = arguments.Factor("count-scale", 1);
        string[] wanted = [.. CompareRows.All.Select(row => row.Name).Concat([ThrottleFigure.Name, MemoryFigure.Name, AllocationsName, .. ImageWorkFigures.Names, .. CostCurves.Names]).Where(IsWanted)];
        if (wanted.Length == 0)
        {
            throw new ArgumentException($"--only '{only}' is in the name of no row (--list names them)");
        }

        if (arguments.Has("list"))
        {
            Console.WriteLine(string.Join('\n', wanted));
            return 0;
        }

        if (!ChildRun.HasCpuTimes)
        {
            Console.WriteLine("skipped: CPU times of other programs are known on Linux only");
            return 0;
        }

        if (PublishedTool.FindOrPublish() is not { } tool)
        {
            return 1;
        }

        ComparedPrograms programs = new(tool);
        using TestFolders folders = new(arguments.Text("dir"));
        Comparison comparison = new()
        {
            Machine = MachineDescription.Of(programs, folders),
            Rounds = rounds,
            CountScale = countScale,
        };
        foreach (string missing in programs.Missing)
        {
            Note($"missing program: {missing}: {WhatIsSkippedWithout(missing)}");
        }

        RunRows(comparison, programs, folders, IsWanted, Note);
        RunFigures(comparison, programs, folders, IsWanted, Note);
        RunCurves(comparison, programs, IsWanted, Note);
        Print(comparison, arguments);
        return comparison.HasMissed ? 1 : 0;

        bool IsWanted(string name) => name.Contains(only, StringComparison.OrdinalIgnoreCase);

        void Note(string text)
        {
            comparison.Notes.Add(text);
            Console.Error.WriteLine(text);
        }
    }

    private static string WhatIsSkippedWithout(string program) => program switch
    {
        ComparedPrograms.QemuImg => "every row is skipped",
        ComparedPrograms.QemuIo => "what QEMU reads is not verified",
        ComparedPrograms.Fio => "its column is empty",
        _ => "nothing here needs it yet",
    };

    private static void RunRows(Comparison comparison, ComparedPrograms programs, TestFolders folders, Predicate<string> isWanted, Action<string> note)
    {
        if (!programs.Has(ComparedPrograms.QemuImg))
        {
            return;
        }

        RowComparison runner = new(programs, folders, comparison.Rounds, comparison.CountScale, note);
        foreach (CompareRow row in CompareRows.All.Where(row => isWanted(row.Name)))
        {
            if (folders.Refusal(row.Store, row.IsDirect) is { } refusal)
            {
                note($"{row.Name}: skipped: {refusal}");
                continue;
            }

            Console.Error.WriteLine(row.Name);
            comparison.Rows.Add(runner.Run(row));
        }
    }

    private static void RunFigures(Comparison comparison, ComparedPrograms programs, TestFolders folders, Predicate<string> isWanted, Action<string> note)
    {
        if (isWanted(ThrottleFigure.Name))
        {
            Console.Error.WriteLine(ThrottleFigure.Name);
            comparison.Figures.Add(ThrottleFigure.Measure(programs.Tool, comparison.Rounds, comparison.CountScale));
        }

        if (ImageWorkFigures.Names.Any(name => isWanted(name)))
        {
            RunImageWork(comparison, programs, folders, isWanted, note);
        }

        if (!isWanted(MemoryFigure.Name) && !isWanted(AllocationsName))
        {
            return;
        }

        ImageStore store = folders.MemoryParent is null ? ImageStore.Disk : ImageStore.Memory;
        if (folders.Refusal(store, isDirect: false) is { } refusal)
        {
            note($"{MemoryFigure.Name}, {AllocationsName}: skipped: {refusal}");
            return;
        }

        if (isWanted(MemoryFigure.Name))
        {
            Console.Error.WriteLine(MemoryFigure.Name);
            comparison.Figures.Add(MemoryFigure.Measure(programs.Tool, folders.Image(store, isWritten: false), comparison.Rounds));
        }

        if (isWanted(AllocationsName))
        {
            Console.Error.WriteLine(AllocationsName);
            comparison.Figures.Add(MeasureAllocations(folders.Image(store, isWritten: true)));
        }
    }

    private static void RunImageWork(Comparison comparison, ComparedPrograms programs, TestFolders folders, Predicate<string> isWanted, Action<string> note)
    {
        if (folders.MemoryParent is not { } parent || !programs.Has(ComparedPrograms.QemuImg))
        {
            note("work on whole images: skipped: it needs a tmpfs and qemu-img");
            return;
        }

        comparison.Figures.AddRange(ImageWorkFigures.Measure(programs.Tool, parent, comparison.Rounds, isWanted));
    }

    private static FigureResult MeasureAllocations(TestImage image)
    {
        string options = $"driver=raw,file.driver=file,file.filename={image.Path.Replace(",", ",,", StringComparison.Ordinal)}";
        double[] bytes = [.. new[] { RequestKind.Read, RequestKind.Write }.Select(kind => AllocationsCommand.Measure(options, 64, kind, AllocationsCount).ProcessBytes)];
        return new FigureResult(AllocationsName, "bytes", new Spread(bytes.Max(), bytes.Min(), bytes.Max()), AllocatedBytesMax, null);
    }

    private static void RunCurves(Comparison comparison, ComparedPrograms programs, Predicate<string> isWanted, Action<string> note)
    {
        CostCurves curves = new(programs, Math.Max(1, comparison.Rounds / 2), comparison.CountScale);
        foreach (string name in CostCurves.Names.Where(name => isWanted(name)))
        {
            if (name == CostCurves.Names[1] && !programs.Has(ComparedPrograms.QemuImg))
            {
                note($"{name}: skipped: missing program: {ComparedPrograms.QemuImg}");
                continue;
            }

            Console.Error.WriteLine(name);
            comparison.Curves.Add(curves.Measure(name));
        }
    }

    private static void Print(Comparison comparison, CommandArguments arguments)
    {
        string markdown = CompareMarkdown.Print(comparison);
        string json = CompareJson.Print(comparison);
        Console.WriteLine(arguments.IsJson ? json : markdown);
        if (arguments.Text("out") is { } folder)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "compare.md"), markdown);
            File.WriteAllText(Path.Combine(folder, "compare.json"), json);
        }
    }
}
