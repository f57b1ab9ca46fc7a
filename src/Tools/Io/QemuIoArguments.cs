using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>What the command line of <c>qemu-io</c> asks for, collected option by option.</summary>
internal sealed class QemuIoArguments
{
    private static readonly string[] s_traceKeys = ["enable", "events", "file"];

    private readonly List<string> _commands = [];
    private readonly List<string> _objects = [];
    private IoOpenMode _mode = new() { IsWritethrough = true };
    private string? _format;
    private bool _takesImageOptions;
    private bool _misalignsBuffers;

    /// <summary>Takes one option by its long name.</summary>
    /// <exception cref="BlockException">Its value is wrong.</exception>
    public void Take(string name, string? value)
    {
        switch (name)
        {
            case "image-opts":
                _takesImageOptions = true;
                break;
            case "cmd":
                _commands.Add(value!);
                break;
            case "object":
                _objects.Add(value!);
                break;
            case "format":
                _format = value;
                break;
            case "misalign":
                _misalignsBuffers = true;
                break;
            case "trace":
                CheckTrace(value!);
                break;
            default:
                _mode = Change(_mode, name, value);
                break;
        }
    }

    /// <summary>What is to be run on <paramref name="file"/>, or on nothing.</summary>
    /// <exception cref="BlockException">Options contradict each other, or the option string is malformed.</exception>
    public IoRunner Compose(IToolConsole console, string? file)
    {
        if (_takesImageOptions && _format is not null)
        {
            throw new BlockException("--image-opts and -f are mutually exclusive");
        }

        OptionsDictionary? image = file is null ? null : _takesImageOptions ? ReadImageOptions(console, file) : FileOptions(file);
        IoSettings settings = IoSettings.Qemu with { TakesImageOptions = _takesImageOptions, MisalignsBuffers = _misalignsBuffers };
        return new IoRunner(settings, image, _takesImageOptions ? null : file, _mode, _commands, IsVirtualTime: false) { Objects = _objects };
    }

    private static IoOpenMode Change(IoOpenMode mode, string name, string? value) => name switch
    {
        "read-only" => mode with { IsReadOnly = true },
        "copy-on-read" => mode with { CopiesOnRead = true },
        "force-share" => mode with { IsForceShare = true },
        "snapshot" => mode with { IsSnapshot = true },
        "nocache" => mode.WithCacheMode("none")!,
        "native-aio" => mode with { Aio = "native" },
        "aio" => mode.WithAio(value!) ?? throw new BlockException($"Invalid aio option: {value}"),
        "cache" => mode.WithCacheMode(value!) ?? throw new BlockException($"Invalid cache option: {value}"),
        "discard" => mode.WithDiscardMode(value!) ?? throw new BlockException($"Invalid discard option: {value}"),
        _ => throw new InvalidOperationException($"--{name} is declared and not read"),
    };

    // There are no trace events by those names here: what would be traced is not looked at.
    private static void CheckTrace(string text)
    {
        foreach (string key in QemuOptsParser.Parse(text, "enable").ToDictionary().Keys)
        {
            if (!s_traceKeys.Contains(key))
            {
                throw new BlockException($"Invalid parameter '{key}'");
            }
        }
    }

    private OptionsDictionary FileOptions(string file)
    {
        OptionsDictionary options = new() { { "filename", file } };
        if (_format is not null)
        {
            options["driver"] = _format;
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
