using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>How the file below a new image is made.</summary>
internal interface ICreateFile
{
    /// <summary>Makes it; false where something was there.</summary>
    Task<bool> CreateAsync(long lengthBytes, CancellationToken cancel);

    /// <summary>Opens it.</summary>
    Task<CreatedFile> OpenAsync(CancellationToken cancel);

    /// <summary>Opens the image in it.</summary>
    Task<CreatedFile> OpenImageAsync(BlockDriver format, OptionsDictionary more, CancellationToken cancel);
}
