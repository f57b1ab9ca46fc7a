using System.Globalization;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>Runs a row: both programs in turns, round by round, and looks at every byte that they should have read or written.</summary>
internal sealed class RowComparison(ComparedPrograms programs, TestFolders folders, long rounds, double countScale, Action<string> note)
{
    private const byte FioPattern = 0xf1;
    private readonly HashSet<string> _verifiedPaths = [];
    private byte _lastPattern;

    /// <summary>Runs <paramref name="row"/>.</summary>
    /// <exception cref="ArgumentException">A program has failed.</exception>
    public RowResult Run(CompareRow row)
    {
        TestImage? image = row.Store == ImageStore.None ? null : folders.Image(row.Store, row.IsWrite, row.Kind);
        bool areBytesRight = image is null || _verifiedPaths.Contains(image.Path) || IsReadRightByBoth(image);
        Contender ours = new("blockgraph", programs.Tool, Scaled(row.Count), (count, pattern) => ["img", .. Arguments(row, image, count, pattern)]);
        List<Contender> theirs = [];
        foreach (string[] way in WaysOfQemu(row))
        {
            Contender contender = new(
                way.Length == 0 ? "default" : string.Join(' ', way),
                ComparedPrograms.QemuImg,
                Scaled(row.QemuCount),
                (count, pattern) => [.. Arguments(row, image, count, pattern), .. way]);
            string? refusal = contender.Refusal();
            if (refusal is null)
            {
                NoteWritten(row, image, 1, 0);
                theirs.Add(contender);
            }
            else
            {
                note($"{row.Name}: {ComparedPrograms.QemuImg} {contender.Name} is left out: {refusal}");
            }
        }

        for (long round = 0; round < rounds; round++)
        {
            // Whoever is first in one round is last in the next.
            IEnumerable<Contender> turn = round % 2 == 0 ? theirs.Prepend(ours) : Enumerable.Reverse(theirs).Append(ours);
            foreach (Contender contender in turn)
            {
                areBytesRight &= RunOnce(row, image, contender);
            }
        }

        double? fio = MeasureFio(row, image);
        areBytesRight &= image is null || !row.IsWrite || IsReadRightByBoth(image);
        return new RowResult(row, ours, theirs.MinBy(contender => Sample.Median(contender.CpuNs))!, fio, areBytesRight);
    }

    private static string[][] WaysOfQemu(CompareRow row) => row.Store == ImageStore.None ? [[], ["-t", "none"]]
        : row.IsDirect ? [[], ["-i", "io_uring"], ["-n"]]
        : [[], ["-i", "io_uring"]];

    private static string[] Arguments(CompareRow row, TestImage? image, long count, byte pattern) =>
    [
        "bench", "-c", Text(count), "-d", Text(row.Depth), "-s", Text(row.SizeBytes), "-S", Text(row.StepBytes),
        .. row.IsDirect ? ["-t", "none"] : Array.Empty<string>(),
        .. row.IsWrite ? ["-w", "--pattern", Text(pattern)] : Array.Empty<string>(),
        .. image is null ? ["--image-opts", row.Options] : new[] { "-f", image.Format, image.Path },
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private long Scaled(long count) => Math.Max(1, (long)(count * countScale));

    private bool RunOnce(CompareRow row, TestImage? image, Contender contender)
    {
        _lastPattern = (byte)((_lastPattern % byte.MaxValue) + 1);
        if (row.IsDirect)
        {
            image!.LeavePageCache();
        }

        if (row.Kind == ImageKind.NewQcow2)
        {
            image!.Renew();
        }

        contender.RunOnce(_lastPattern);
        NoteWritten(row, image, contender.Count, _lastPattern);
        if (image is null || !row.IsWrite || image.HoldsWhatWasNoted())
        {
            return true;
        }

        note($"{row.Name}: {contender.Name} ({contender.Program}) has left other bytes than it was told to write");
        return false;
    }

    private static void NoteWritten(CompareRow row, TestImage? image, long count, byte pattern)
    {
        if (row.IsWrite)
        {
            image!.Note(count, row.SizeBytes, row.EffectiveStepBytes, pattern);
        }
    }

    // Every block by the pattern that must be in it, through both programs' own readers.
    private bool IsReadRightByBoth(TestImage image)
    {
        string commands = image.ReadCommands();
        ChildRun ours = ChildRun.With(commands, programs.Tool, "io", "--read-only", "-f", image.Format, image.Path);
        bool areRight = IsRight("blockgraph io", ours);
        if (programs.Has(ComparedPrograms.QemuIo))
        {
            areRight &= IsRight(ComparedPrograms.QemuIo, ChildRun.With(commands, ComparedPrograms.QemuIo, "-r", "-f", image.Format, image.Path));
        }

        _verifiedPaths.Add(image.Path);
        return areRight;

        bool IsRight(string program, ChildRun run)
        {
            bool isRight = run.ExitCode == 0 && !run.Output.Contains("failed", StringComparison.Ordinal);
            if (!isRight)
            {
                note($"{program} reads other bytes from {image.Path} than are in it");
            }

            return isRight;
        }
    }

    // A row of strides is another load there: after each lap fio is back at the same blocks. It knows raw files alone.
    private double? MeasureFio(CompareRow row, TestImage? image)
    {
        if (image is null || row.StepBytes != 0 || row.Kind != ImageKind.Raw || !programs.Has(ComparedPrograms.Fio))
        {
            return null;
        }

        if (row.IsDirect)
        {
            image.LeavePageCache();
        }

        long count = Scaled(row.Count);
        string[] arguments =
        [
            "--name=compare", $"--filename={image.Path}", "--ioengine=io_uring", $"--rw={(row.IsWrite ? "write" : "read")}", $"--bs={row.SizeBytes}", $"--iodepth={row.Depth}",
            $"--direct={(row.IsDirect ? 1 : 0)}", $"--size={image.LengthBytes}", $"--io_size={count * row.SizeBytes}", "--invalidate=0", "--thread", "--output-format=terse",
            .. row.IsWrite ? new[] { $"--buffer_pattern=0x{FioPattern:x}", "--scramble_buffers=0", "--end_fsync=1" } : Array.Empty<string>(),
        ];
        ChildRun run = ChildRun.Of(ComparedPrograms.Fio, arguments);
        if (run.ExitCode != 0)
        {
            note($"{row.Name}: fio failed: {run.Output.Trim().ReplaceLineEndings(" ")}");
            return null;
        }

        NoteWritten(row, image, count, FioPattern);
        return run.CpuNs / count;
    }
}
