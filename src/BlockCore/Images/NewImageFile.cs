using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Images;

/// <summary>The file below a new image: made by the protocol's driver, or, where that makes none, what is there already under the name.</summary>
internal sealed class NewImageFile(NodeGraph graph, BlockDriver protocol, string fileName, OptionsDictionary options) : ICreateFile
{
    private const int FirstSectorBytes = 512;

    /// <summary>It has been made, and was not there before.</summary>
    public bool IsMade { get; private set; }

    /// <summary>It was to be made, and may have been.</summary>
    public bool IsAsked { get; private set; }

    public async Task<bool> CreateAsync(long lengthBytes, CancellationToken cancel)
    {
        IsAsked = true;
        options[CreateContext.SizeOption] = lengthBytes;
        if (protocol.CreateOptions is null)
        {
            await TakeExistingAsync(lengthBytes, cancel);
            return false;
        }

        IsMade = await protocol.CreateAsync(new CreateContext(graph, fileName, new OptionReader(options, protocol.CreateOptions), null, null), cancel);
        return IsMade;
    }

    public async Task<CreatedFile> OpenAsync(CancellationToken cancel) => new OpenImageFile(await OpenBackendAsync());

    public async Task<CreatedFile> OpenImageAsync(BlockDriver format, OptionsDictionary more, CancellationToken cancel)
    {
        OptionsDictionary image = new() { { "driver", format.Name }, { "file", FileOptions() }, { "backing", OptionNull.Instance } };
        foreach ((string key, OptionValue value) in more)
        {
            image[key] = value;
        }

        return new OpenImageFile(await graph.OpenAsync(image, new BackendOptions { CanResize = true }, cancel));
    }

    /// <summary>Removes what was made.</summary>
    public Task TryDeleteAsync() => protocol.TryDeleteAsync(graph, fileName);

    private Task<BlockBackend> OpenBackendAsync() =>
        graph.OpenAsync(new OptionsDictionary { { "driver", "raw" }, { "file", FileOptions() } }, new BackendOptions { CanResize = true });

    private OptionsDictionary FileOptions()
    {
        OptionsDictionary file = new() { { "driver", protocol.Name } };
        protocol.ParseFileName(fileName, file);
        return file;
    }

    // A device has its length. Its first sector is zeroed, so that nobody takes it for what it was.
    private async Task TakeExistingAsync(long lengthBytes, CancellationToken cancel)
    {
        BlockBackend backend;
        try
        {
            backend = await OpenBackendAsync();
        }
        catch (BlockException failure)
        {
            throw new BlockException(
                failure.Kind, $"Protocol driver '{protocol.Name}' does not support image creation, and opening the image failed: {failure.Message}", failure);
        }

        await using (backend)
        {
            if (lengthBytes > backend.LengthBytes)
            {
                await backend.TruncateAsync(lengthBytes, isExact: false, cancel: cancel);
            }

            await backend.WriteZeroesAsync(0, Math.Min(FirstSectorBytes, backend.LengthBytes), RequestFlags.None, cancel);
            await backend.FlushAsync(cancel);
        }
    }
}
