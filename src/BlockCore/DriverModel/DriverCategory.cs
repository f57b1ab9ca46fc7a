namespace BlockGraph.BlockCore.DriverModel;

/// <summary>What kind of layer a driver is. <i>QEMU: is_format, is_filter, protocol_name.</i></summary>
public enum DriverCategory
{
    /// <summary>Opens storage itself.</summary>
    Protocol,

    /// <summary>Interprets an image in a child.</summary>
    Format,

    /// <summary>Presents its child's data unchanged.</summary>
    Filter,

    /// <summary>Combines several children.</summary>
    Composite,
}
