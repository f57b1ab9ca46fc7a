using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>The command line that the program takes by the name <c>qemu-io</c>.</summary>
internal static class QemuIoCommandLine
{
    private static readonly LongOption[] s_options =
    [
        new('\0', "image-opts"),
        new('c', "cmd", TakesValue: true),
        new('f', "format", TakesValue: true),
        new('r', "read-only"),
        new('n', "nocache"),
        new('t', "cache", TakesValue: true),
        new('d', "discard", TakesValue: true),
        new('U', "force-share"),
        new('h', "help"),
        new('V', "version"),
        new('\0', "object", TakesValue: true),
        new('s', "snapshot"),
        new('C', "copy-on-read"),
        new('m', "misalign"),
        new('k', "native-aio"),
        new('i', "aio", TakesValue: true),
        new('T', "trace", TakesValue: true),
    ];

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
        "  -n, --nocache        bypass the host's page cache; short for -t none",
        "  -t, --cache=MODE     none, directsync, writeback, writethrough or unsafe",
        "  -d, --discard=MODE   ignore or unmap",
        "  -U, --force-share    share every permission; needs -r",
        "  -C, --copy-on-read   copy what is read from backing files into the image",
        "  -h, --help           show this and exit",
        "  -V, --version        show the version and exit",
        "",
        "See 'qemu-io -c help' for the commands.",
    ];

    /// <summary>Runs <paramref name="arguments"/> and returns the exit code.</summary>
    public static int Run(IToolConsole console, IReadOnlyList<string> arguments)
    {
        LongOptions options = new(s_options);
        if (!options.TryRead(arguments, out LongOptionFault? fault))
        {
            Complaint.Print(console, CalledName.QemuIo, fault.Text);
            PrintHelp(console);
            return 1;
        }

        if (options.Found.Any(option => option.Key == "help"))
        {
            PrintHelp(console);
            return 0;
        }

        if (options.Found.Any(option => option.Key == "version"))
        {
            console.Out.WriteLine(VersionText.LinkLine(CalledName.QemuIo));
            return 0;
        }

        if (options.Operands.Count > 1)
        {
            PrintHelp(console);
            return 1;
        }

        return Compose(console, options).Run(console);
    }

    private static void PrintHelp(IToolConsole console)
    {
        foreach (string line in s_help)
        {
            console.Out.WriteLine(line);
        }
    }

    private static IoRunner Compose(IToolConsole console, LongOptions options)
    {
        IoOpenMode mode = new() { IsWritethrough = true };
        string? format = null;
        bool takesImageOptions = false;
        List<string> commands = [];
        List<string> objects = [];
        foreach ((string name, string? value) in options.Found)
        {
            switch (name)
            {
                case "image-opts":
                    takesImageOptions = true;
                    break;
                case "cmd":
                    commands.Add(value!);
                    break;
                case "object":
                    objects.Add(value!);
                    break;
                case "format":
                    format = value;
                    break;
                default:
                    mode = Change(mode, name, value);
                    break;
            }
        }

        if (takesImageOptions && format is not null)
        {
            throw new BlockException("--image-opts and -f are mutually exclusive");
        }

        string? file = options.Operands.Count == 1 ? options.Operands[0] : null;
        OptionsDictionary? image = file is null ? null : takesImageOptions ? ReadImageOptions(console, file) : FileOptions(file, format);
        IoSettings settings = IoSettings.Qemu with { TakesImageOptions = takesImageOptions };
        return new IoRunner(settings, image, takesImageOptions ? null : file, mode, commands, IsVirtualTime: false) { Objects = objects };
    }

    private static IoOpenMode Change(IoOpenMode mode, string name, string? value) => name switch
    {
        "read-only" => mode with { IsReadOnly = true },
        "copy-on-read" => mode with { CopiesOnRead = true },
        "force-share" => mode with { IsForceShare = true },
        "nocache" => mode.WithCacheMode("none")!,
        "cache" => mode.WithCacheMode(value!) ?? throw new BlockException($"Invalid cache option: {value}"),
        "discard" => mode.WithDiscardMode(value!) ?? throw new BlockException($"Invalid discard option: {value}"),
        _ => throw new BlockException(BlockErrorKind.NotSupported, $"{VersionText.OwnLine} does not take --{name} yet"),
    };

    private static OptionsDictionary FileOptions(string file, string? format)
    {
        OptionsDictionary options = new() { { "filename", file } };
        if (format is not null)
        {
            options["driver"] = format;
        }

        return options;
    }

    private static OptionsDictionary ReadImageOptions(IToolConsole console, string text) =>
        QemuOptsParser.Parse(text, null, warning =>
        {
            Complaint.Warn(console, CalledName.QemuIo, warning.Message);
            console.Error.WriteLine(warning.Hint);
        }).ToDictionary();
}
