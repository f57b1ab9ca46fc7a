using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>The command line that the program takes by the name <c>qemu-io</c>.</summary>
internal static class QemuIoCommandLine
{
    private static readonly LongOption[] s_options =
    [
        new('h', "help"),
        new('V', "version"),
        new('c', "cmd", TakesValue: true),
        new('f', "format", TakesValue: true),
        new('r', "read-only"),
        new('s', "snapshot"),
        new('n', "nocache"),
        new('C', "copy-on-read"),
        new('m', "misalign"),
        new('k', "native-aio"),
        new('i', "aio", TakesValue: true),
        new('d', "discard", TakesValue: true),
        new('t', "cache", TakesValue: true),
        new('T', "trace", TakesValue: true),
        new('U', "force-share"),
        new('\0', "object", TakesValue: true),
        new('\0', "image-opts"),
    ];

    /// <summary>The options, in the order of the help.</summary>
    public static IReadOnlyList<LongOption> Options => s_options;

    private static readonly string[] s_help =
    [
        "Usage: qemu-io [OPTIONS]... [-c STRING]... [file]",
        $"Carries out single requests on an image ({VersionText.OwnLine} by the name of qemu-io).",
        "",
        "  --object OBJECTDEF   first create an object, such as a throttle-group; may be repeated",
        "  --image-opts         the file argument is an option string",
        "  -c, --cmd STRING     run this command; may be repeated",
        "  -f, --format FMT     the image's format; probed without it",
        "  -r, --read-only      open without write permission",
        "  -s, --snapshot       write to a temporary overlay, which is gone afterwards",
        "  -n, --nocache        bypass the host's page cache; short for -t none",
        "  -C, --copy-on-read   copy what is read from backing files into the image",
        "  -m, --misalign       use buffers that no file past the page cache can use as they are",
        "  -k, --native-aio     the kernel's asynchronous requests (Linux); short for -i native",
        "  -i, --aio=MODE       threads, native or io_uring",
        "  -t, --cache=MODE     none, directsync, writeback, writethrough or unsafe",
        "  -d, --discard=MODE   ignore or unmap",
        "  -T, --trace [[enable=]<pattern>][,events=<file>][,file=<file>]",
        "                       read and checked, without an effect: there are no such trace events",
        "  -U, --force-share    share every permission; needs -r",
        "  -h, --help           show this and exit",
        "  -V, --version        show the version and exit",
        "",
        "See 'qemu-io -c help' for the commands.",
    ];

    /// <summary>Runs <paramref name="arguments"/> and returns the exit code. Options count in their order: the first that ends the program, or is wrong, decides.</summary>
    public static int Run(IToolConsole console, IReadOnlyList<string> arguments)
    {
        LongOptions options = new(s_options);
        bool isRead = options.TryRead(arguments, out LongOptionFault? fault);
        QemuIoArguments read = new();
        foreach ((string name, string? value) in options.Found)
        {
            switch (name)
            {
                case "help":
                    PrintHelp(console);
                    return 0;
                case "version":
                    console.Out.WriteLine(VersionText.LinkLine(CalledName.QemuIo));
                    return 0;
                default:
                    read.Take(name, value);
                    break;
            }
        }

        if (!isRead)
        {
            Complaint.Print(console, CalledName.QemuIo, fault!.Text);
        }

        if (!isRead || options.Operands.Count > 1)
        {
            PrintHelp(console);
            return 1;
        }

        return read.Compose(console, options.Operands.Count == 1 ? options.Operands[0] : null).Run(console);
    }

    private static void PrintHelp(IToolConsole console)
    {
        foreach (string line in s_help)
        {
            console.Out.WriteLine(line);
        }
    }
}
