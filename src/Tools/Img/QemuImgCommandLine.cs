using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The command line that the program takes by the name <c>qemu-img</c>.</summary>
internal static class QemuImgCommandLine
{
    private const string Program = CalledName.QemuImg;
    private static readonly string[] s_otherVerbs =
        ["amend", "bitmap", "check", "commit", "compare", "convert", "create", "dd", "info", "map", "measure", "rebase", "resize", "snapshot"];

    private static readonly LongOption[] s_benchOptions =
    [
        new('h', "help"),
        new('c', "count", TakesValue: true, IsLetterOnly: true),
        new('d', "depth", TakesValue: true, IsLetterOnly: true),
        new('f', "format", TakesValue: true, IsLetterOnly: true),
        new('i', "aio", TakesValue: true, IsLetterOnly: true),
        new('n', "native", IsLetterOnly: true),
        new('o', "offset", TakesValue: true, IsLetterOnly: true),
        new('q', "quiet", IsLetterOnly: true),
        new('s', "buffer-size", TakesValue: true, IsLetterOnly: true),
        new('S', "step-size", TakesValue: true, IsLetterOnly: true),
        new('t', "cache", TakesValue: true, IsLetterOnly: true),
        new('w', "write", IsLetterOnly: true),
        new('U', "force-share"),
        new('\0', "flush-interval", TakesValue: true),
        new('\0', "pattern", TakesValue: true),
        new('\0', "no-drain"),
        new('\0', "image-opts"),
        new('\0', "object", TakesValue: true),
    ];

    private static readonly string[] s_help =
    [
        "Usage: qemu-img COMMAND [OPTIONS]...",
        $"Works on images ({VersionText.OwnLine} by the name of qemu-img).",
        "",
        "  -h, --help           show this and exit",
        "  -V, --version        show the version and exit",
        "",
        "  bench [-c COUNT] [-d DEPTH] [-f FMT] [--flush-interval=N] [-i AIO] [-n] [--no-drain] [-o OFFSET] [--pattern=BYTE] [-q]",
        "        [-s BUFFER_SIZE] [-S STEP_SIZE] [-t CACHE] [-w] [-U] [--object OBJECTDEF] [--image-opts] FILENAME",
        "",
        "'blockgraph img bench --help' says what the options mean.",
    ];

    /// <summary>Runs <paramref name="arguments"/> and returns the exit code.</summary>
    /// <exception cref="BlockException">The command line is wrong, or the command has failed.</exception>
    public static int Run(IToolConsole console, IReadOnlyList<string> arguments)
    {
        try
        {
            return RunCommand(console, arguments);
        }
        catch (BlockException failure) when (failure.Message.Contains('\n', StringComparison.Ordinal))
        {
            // Each of its lines has the program's name in front.
            return failure.Message.Split('\n').Max(line => Complaint.Print(console, Program, line));
        }
    }

    private static int RunCommand(IToolConsole console, IReadOnlyList<string> arguments)
    {
        switch (arguments.Count == 0 ? null : arguments[0])
        {
            case null:
                throw WithHint("Not enough arguments");
            case "-h" or "--help":
                return PrintHelp(console);
            case "-V" or "--version":
                console.Out.WriteLine(VersionText.LinkLine(Program));
                return 0;
            case "bench":
                return RunBench(console, [.. arguments.Skip(1)]);
            case var verb when s_otherVerbs.Contains(verb):
                return Complaint.Print(console, Program, $"{VersionText.OwnLine} does not do the work of {Program} {verb} yet");
            case var option when option.StartsWith('-'):
                throw WithHint($"unrecognized option '{option}'");
            case var unknown:
                throw WithHint($"Command not found: {unknown}");
        }
    }

    private static int RunBench(IToolConsole console, IReadOnlyList<string> written)
    {
        LongOptions options = new(s_benchOptions);
        bool isReadable = options.TryRead(written, out LongOptionFault? fault);
        ImgBenchArguments arguments = new();
        foreach ((string name, string? value) in options.Found)
        {
            if (name == "help")
            {
                return PrintHelp(console);
            }

            arguments.Take(name, value);
        }

        if (!isReadable)
        {
            throw WithHint(fault!.IsValueMissing ? $"missing argument for option '{fault.Argument}'" : $"unrecognized option '{fault.Argument}'");
        }

        if (options.Operands.Count != 1)
        {
            throw WithHint("Expecting one image file name");
        }

        arguments.Check();
        return new ImgBenchRunner(ImgName.Qemu, arguments.ImageOf(options.Operands[0]), arguments.Load) { Objects = arguments.Objects }.Run(console);
    }

    private static int PrintHelp(IToolConsole console)
    {
        foreach (string line in s_help)
        {
            console.Out.WriteLine(line);
        }

        return 0;
    }

    private static BlockException WithHint(string message) => new(message) { Hint = $"Try '{Program} --help' for more information" };
}
