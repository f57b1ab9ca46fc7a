using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// What a driver author registers: the driver's names, options and probe, and how it opens. It holds no state of any image.
/// <i>QEMU: BlockDriver.</i>
/// </summary>
public abstract class BlockDriver
{
    /// <summary>The probe score of a format that found its signature.</summary>
    public const int ProbeScoreSignature = 100;

    /// <summary>The name that <c>driver=</c> takes.</summary>
    public abstract string Name { get; }

    /// <summary>One line for a person.</summary>
    public abstract string Summary { get; }

    /// <summary>What kind of layer it is.</summary>
    public abstract DriverCategory Category { get; }

    /// <summary>The driver's own options; the generic ones (node-name, read-only, …) belong to the core.</summary>
    public abstract OptionSchema Options { get; }

    /// <summary>The prefix of file names that mean this driver, without the colon; null for none.</summary>
    public virtual string? ProtocolName => null;

    /// <summary>True where <paramref name="fileName"/>, which has no prefix, means this driver for what it stands for on the host. Quick, and without effects.</summary>
    public virtual bool IsMeantByName(string fileName, HostPlatform platform) => false;

    /// <summary>True where opening without a file name is refused.</summary>
    public virtual bool NeedsFileName => false;

    /// <summary>True where the driver can have a backing child.</summary>
    public virtual bool SupportsBacking => false;

    /// <summary>True where an open node can get other options; the instances then prepare for it.</summary>
    public virtual bool SupportsReopen => false;

    /// <summary>True where children can be added to an open node and removed from it.</summary>
    public virtual bool HasVariableChildren => false;

    /// <summary>The plain file name that opens what <paramref name="node"/> has open, with nothing more to say; null where there is none.</summary>
    public virtual string? GetExactFileName(BlockNode node) => null;

    /// <summary>How sure the driver is that an image beginning with <paramref name="head"/> (up to 512 bytes) is its own: 0 no, 100 its signature.</summary>
    public virtual int Probe(ReadOnlySpan<byte> head) => 0;

    /// <summary>Turns a file name with this driver's protocol prefix into options.</summary>
    /// <exception cref="BlockException">The name is malformed.</exception>
    public virtual void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options["filename"] = fileName;
    }

    /// <summary>The options of a new image, in the order in which they are told to a person; null where the driver makes none.</summary>
    public virtual OptionSchema? CreateOptions => null;

    /// <summary>
    /// True where a new image may take the place of what is there already under a name, as on a device, though the driver makes nothing under one. <i>QEMU: bdrv_co_create_opts_simple.</i>
    /// </summary>
    public virtual bool TakesNewImages => Category == DriverCategory.Protocol;

    /// <summary>What can be changed of an image that is there, by the names of <see cref="CreateOptions"/>; null for nothing.</summary>
    public virtual OptionSchema? AmendOptions => null;

    /// <summary>Makes a new image. On failure nothing is left that was not there before.</summary>
    /// <returns>False where something was there under the name, and has been written over.</returns>
    /// <exception cref="BlockException">It cannot be made; the message names what is at fault.</exception>
    public virtual Task<bool> CreateAsync(CreateContext context, CancellationToken cancel) =>
        throw new BlockException(BlockErrorKind.NotSupported, $"Driver '{Name}' does not support image creation");

    /// <summary>Refuses a name under which the driver can make nothing, as far as it can see that without making anything. Control plane.</summary>
    /// <exception cref="BlockException">Nothing can be made there.</exception>
    public virtual Task CheckNewNameAsync(NodeGraph graph, string fileName) => Task.CompletedTask;

    /// <summary>Removes the image called <paramref name="fileName"/>, which has just been made; false where the driver cannot. Control plane.</summary>
    public virtual Task<bool> TryDeleteAsync(NodeGraph graph, string fileName) => Task.FromResult(false);

    /// <summary>True where images of the driver can store data compressed.</summary>
    public virtual bool SupportsCompression => false;

    /// <summary>How much space a new image would take. Main context.</summary>
    /// <param name="options">How it would be made, by the names of <see cref="CreateOptions"/>.</param>
    /// <param name="lengthBytes">How long it would be.</param>
    /// <param name="source">What would be converted into it; null for an empty image.</param>
    /// <param name="cancel">Ends it between two questions.</param>
    /// <exception cref="BlockException">The driver cannot tell, or the options make no image.</exception>
    public virtual Task<ImageMeasurement> MeasureAsync(OptionsDictionary options, long lengthBytes, BlockChild? source, CancellationToken cancel) =>
        throw new BlockException(BlockErrorKind.NotSupported, $"Block driver '{Name}' does not support size measurement");

    /// <summary>
    /// Opens one image. Children are opened through the context, options read through its reader. On failure the driver
    /// releases what it took itself; the core releases the rest.
    /// </summary>
    /// <exception cref="BlockException">The image cannot be opened; the message names the option or file.</exception>
    public abstract Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel);
}
