using System.Diagnostics;
using System.Globalization;
using BlockGraph.Benchmarks.Compare;

namespace BlockGraph.Benchmarks;

/// <summary>
/// The most memory that commands of the published tool hold on a qcow2 image all of whose clusters are mapped, beside qemu-img where it is installed. Each works on what the ones before left; the
/// resident set's high mark is read until the command ends.
/// </summary>
internal static class ImgMemoryCommand
{
    private const double MibMax = 64;

    // At first it is looked at all the time. What ends within some milliseconds may end between two looks.
    private const double SpinSeconds = 0.1;
    private const double LookedAtSeconds = 0.05;
    private const int SampleMs = 2;

    // The image is IMAGE. Whatever makes the image another one comes last.
    private static readonly string[] s_commands =
    [
        "info IMAGE", "map --output=json IMAGE", "measure -O raw IMAGE", "check IMAGE", "check -r all IMAGE", "bitmap --add -g 2G IMAGE b", "bitmap --remove IMAGE b", "snapshot -c s IMAGE", "check IMAGE",
        "check -r all IMAGE", "snapshot -d s IMAGE", "amend -o refcount_bits=64 IMAGE", "check -r all IMAGE", "resize --shrink IMAGE HALF",
    ];

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, ["gib", "cluster-bits", "dir"], ["alone"]);
        long lengthBytes = arguments.Number("gib", 1024) << 30;
        int clusterBits = (int)Math.Min(arguments.Number("cluster-bits", 16), int.MaxValue);
        if (clusterBits is < 9 or > 21)
        {
            throw new ArgumentException($"--cluster-bits is from 9 to 21, not {clusterBits}");
        }

        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine("skipped: the high mark of a process is read from /proc");
            return 0;
        }

        if (PublishedTool.FindOrPublish() is not { } tool)
        {
            return 1;
        }

        string folder = Directory.CreateDirectory(Path.Combine(arguments.Text("dir") ?? Path.GetTempPath(), $"img-memory-{Environment.ProcessId}")).FullName;
        try
        {
            string? other = !arguments.Has("alone") && new ComparedPrograms(tool).Has(ComparedPrograms.QemuImg) ? ComparedPrograms.QemuImg : null;
            return MeasureAll(tool, other, folder, lengthBytes, clusterBits).Print(arguments.IsJson);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Report MeasureAll(string tool, string? other, string folder, long lengthBytes, int clusterBits)
    {
        string[] images = [Path.Combine(folder, "ours.qcow2"), Path.Combine(folder, "theirs.qcow2")];
        foreach (string image in images[..(other is null ? 1 : 2)])
        {
            MappedImage.Write(image, lengthBytes, clusterBits);
        }

        string half = (lengthBytes / 2).ToString(CultureInfo.InvariantCulture);
        Report report = new("command", "MiB", "s", "qemu-img MiB", "qemu-img s", "at most");
        foreach (string command in s_commands)
        {
            string[] Words(string image) => [.. command.Split(' ').Select(word => word == "IMAGE" ? image : word == "HALF" ? half : word)];
            (double? mib, double seconds) = Measure(tool, ["img", .. Words(images[0])]);
            (double? mib, double seconds)? theirs = other is null ? null : Measure(other, Words(images[1]));
            report.AddChecked(mib is null or <= MibMax, command, mib, seconds, theirs?.mib, theirs?.seconds, MibMax);
        }

        report.Note("without a number: it ended too soon to be looked at");
        return report;
    }

    private static (double? Mib, double Seconds) Measure(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        long stamp = Stopwatch.GetTimestamp();
        using Process child = Process.Start(start)!;
        Task drained = child.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        Task<string> errors = child.StandardError.ReadToEndAsync();
        double kib = 0;
        do
        {
            kib = Math.Max(kib, HighMarkKib(child.Id));
        }
        while (!child.WaitForExit(Stopwatch.GetElapsedTime(stamp).TotalSeconds < SpinSeconds ? 0 : SampleMs));
        double seconds = Stopwatch.GetElapsedTime(stamp).TotalSeconds;
        drained.GetAwaiter().GetResult();
        return child.ExitCode == 0 ? (seconds < LookedAtSeconds ? null : kib / 1024, seconds)
            : throw new ArgumentException($"{program} {string.Join(' ', arguments)} failed: {errors.GetAwaiter().GetResult()}");
    }

    // 0 where it has just ended.
    private static double HighMarkKib(int processId)
    {
        const string Field = "VmHWM:";
        try
        {
            string? line = File.ReadLines($"/proc/{processId}/status").FirstOrDefault(static text => text.StartsWith(Field, StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line[Field.Length..].Replace("kB", string.Empty, StringComparison.Ordinal), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
