using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a driver is given to make a new image: its name, its options, and, for a format, the way to the file below. Control plane.</summary>
public sealed class CreateContext
{
    /// <summary>The size of the image in bytes: every driver that makes images has this option.</summary>
    public const string SizeOption = "size";

    /// <summary>The name of the backing file, in the options of every driver whose images name one.</summary>
    public const string BackingFileOption = "backing_file";

    /// <summary>The format of the backing file, likewise.</summary>
    public const string BackingFormatOption = "backing_fmt";

    private readonly ICreateFile? _file;
    private readonly Func<string, ICreateFile>? _others;

    internal CreateContext(NodeGraph graph, string fileName, OptionReader options, ICreateFile? file, Func<string, ICreateFile>? others)
    {
        _others = others;
        Graph = graph;
        FileName = fileName;
        Options = options;
        _file = file;
    }

    /// <summary>The graph for whose world the image is made; nothing stays open in it.</summary>
    public NodeGraph Graph { get; }

    /// <summary>Where it runs.</summary>
    public AioContext Context => Graph.MainContext;

    /// <summary>The image's file name, with its protocol's prefix if it has one.</summary>
    public string FileName { get; }

    /// <summary>The driver's <see cref="BlockDriver.CreateOptions"/>.</summary>
    public OptionReader Options { get; }

    /// <summary>The size of the image, in bytes.</summary>
    public long SizeBytes => Options.GetSize(SizeOption);

    /// <summary>Makes the file below a format, by its protocol's driver and with that one's options. What was there under the name is gone.</summary>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <returns>False where something was there under the name, and has been written over.</returns>
    /// <exception cref="Errors.BlockException">It cannot be made; nothing is left of it.</exception>
    public Task<bool> CreateFileAsync(long lengthBytes, CancellationToken cancel) => File.CreateAsync(lengthBytes, cancel);

    /// <summary>Makes another file that belongs to the image, as the one below a format is made; where making the image fails it goes, too.</summary>
    /// <param name="fileName">Its name, which counts from where the process is.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="Errors.BlockException">It cannot be made; nothing is left of it.</exception>
    public Task CreateOtherFileAsync(string fileName, long lengthBytes, CancellationToken cancel)
    {
        Invariant.Check(_others is not null, "a protocol's image has no other files");
        return _others(fileName).CreateAsync(lengthBytes, cancel);
    }

    /// <summary>Opens the image that has been laid out, by its format's driver, to go on with it as with any image. No backing file is opened.</summary>
    /// <param name="format">The format.</param>
    /// <param name="more">What opening it takes beside the file.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="Errors.BlockException">It cannot be opened for writing.</exception>
    public Task<CreatedFile> OpenImageAsync(BlockDriver format, OptionsDictionary more, CancellationToken cancel) => File.OpenImageAsync(format, more, cancel);

    /// <summary>Opens the file that has been made, for the format to lay the image out in it.</summary>
    /// <exception cref="Errors.BlockException">It cannot be opened for writing.</exception>
    public Task<CreatedFile> OpenFileAsync(CancellationToken cancel) => File.OpenAsync(cancel);

    /// <summary>Marks a step of making the image: tests fail there.</summary>
    public void Step(string name) => Graph.Step(name);

    private ICreateFile File
    {
        get
        {
            Invariant.Check(_file is not null, "a protocol's image has no file below");
            return _file;
        }
    }
}
