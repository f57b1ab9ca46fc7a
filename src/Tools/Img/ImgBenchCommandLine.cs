using System.CommandLine;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The command line of <c>blockgraph img bench</c>. Its options are those of <c>qemu-img bench</c>; each has a long name, too.</summary>
internal sealed class ImgBenchCommandLine
{
    private readonly IToolConsole _console;
    private readonly Argument<string> _image = new("IMAGE") { Description = "a file name, or an option string with --image-opts" };
    private readonly Option<string[]> _objects = CreatedObjects.Option();
    private readonly Option<bool> _virtualTime = CommonArguments.VirtualTime();
    private readonly Option<string[]>[] _values =
    [
        Value("--count", "-c", "N", "how many requests (default: 75000)"),
        Value("--depth", "-d", "N", "requests under way at once (default: 64)"),
        Value("--format", "-f", "FMT", "the image's format; probed without it"),
        Value("--flush-interval", null, "N", "flush whenever the number of requests still to come is a multiple of N; with -w"),
        Value("--aio", "-i", "threads|native|io_uring", "how files of the host are read and written"),
        Value("--offset", "-o", "BYTES", "where the first request lies (default: 0)"),
        Value("--pattern", null, "BYTE", "what is written (default: 0)"),
        Value("--buffer-size", "-s", "BYTES", "length of every request (default: 4k)"),
        Value("--step-size", "-S", "BYTES", "how far a request lies behind the one before (default, and for 0: its length)"),
        Value("--cache", "-t", "MODE", "writeback (default), none, writethrough, directsync or unsafe"),
    ];

    private readonly Option<bool>[] _flags =
    [
        Flag("--image-opts", null, "IMAGE is an option string"),
        Flag("--native", "-n", "short for -i native"),
        Flag("--no-drain", null, "flushes go beside the requests"),
        Flag("--quiet", "-q", "taken, and without effect, as qemu-img does"),
        Flag("--write", "-w", "write instead of read"),
        Flag("--force-share", "-U", "share every permission with other users of the file; not with -w"),
    ];

    private ImgBenchCommandLine(IToolConsole console) => _console = console;

    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        ImgBenchCommandLine line = new(console);
        Command command = new("bench", "Drive a simple load through an image, one request a step behind the other, and say how long it took.") { line._image };
        foreach (Option option in line._values.Concat<Option>(line._flags))
        {
            command.Add(option);
        }

        command.Add(line._objects);
        command.Add(line._virtualTime);
        command.SetAction(line.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        ImgBenchArguments arguments = new();
        foreach (Option<string[]> option in _values)
        {
            if (parsed.GetValue(option) is [.., string last])
            {
                arguments.Take(NameOf(option), last);
            }
        }

        foreach (Option<bool> option in _flags.Where(parsed.GetValue))
        {
            arguments.Take(NameOf(option), null);
        }

        arguments.Check();
        ImgBenchRunner runner = new(ImgName.Own, arguments.ImageOf(parsed.GetRequiredValue(_image)), arguments.Load)
        {
            Objects = parsed.GetValue(_objects) ?? [],
            IsVirtualTime = parsed.GetValue(_virtualTime),
        };
        return runner.Run(_console);
    }

    private static string NameOf(Option option) => option.Name[2..];

    private static Option<string[]> Value(string name, string? letter, string helpName, string description) =>
        new(name, letter is null ? [] : [letter]) { Description = description, HelpName = helpName, AllowMultipleArgumentsPerToken = false };

    private static Option<bool> Flag(string name, string? letter, string description) => new(name, letter is null ? [] : [letter]) { Description = description };
}
