using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What a format tells of an open image. <i>QEMU: BlockDriverInfo, ImageInfoSpecific.</i></summary>
public sealed record ImageInformation
{
    /// <summary>Of an image about which there is nothing to say.</summary>
    public static ImageInformation Plain { get; } = new() { IsDirty = false };

    /// <summary>The unit in which the image is laid out, in bytes; null where it has none.</summary>
    public int? ClusterBytes { get; init; }

    /// <summary>What is stored is encrypted.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>What is stored is compressed, all of it.</summary>
    public bool IsCompressed { get; init; }

    /// <summary>The image was not closed cleanly; null where the format does not know.</summary>
    public bool? IsDirty { get; init; }

    /// <summary>Where the state of a virtual machine would lie, in bytes of the guest's view; 0 where there is no place for one.</summary>
    public long VmStateOffset { get; init; }

    /// <summary>What only this format has, as <c>info</c> shows it: <c>{type, data}</c>; null for nothing.</summary>
    public OptionsDictionary? Specific { get; init; }
}
