namespace BlockGraph.Tools.GraphView;

/// <summary>What a box stands for, which decides its colour.</summary>
internal enum PictureKind
{
    /// <summary>Somebody whose requests begin here, such as a backend.</summary>
    User,

    /// <summary>A node that reaches storage.</summary>
    Protocol,

    /// <summary>A node that lays data out in its children.</summary>
    Format,

    /// <summary>A node that presents its child's data.</summary>
    Filter,

    /// <summary>A node over several equal children.</summary>
    Composite,
}

/// <summary>One box of a picture: a node, or a user above the nodes.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The node's name, or how messages name the user.</param>
internal sealed record PictureNode(PictureKind Kind, string Name)
{
    /// <summary>The driver's name; null for a user.</summary>
    public string? Driver { get; init; }

    /// <summary>The length in bytes; null for a user.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>True where the node refuses writes.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>True where the image belongs to another process for now.</summary>
    public bool IsInactive { get; init; }

    /// <summary>True where the format was guessed from the image's contents.</summary>
    public bool IsProbed { get; init; }

    /// <summary>The file that the node itself has open, or null.</summary>
    public string? FileName { get; init; }

    /// <summary>The home; null where all boxes of the picture have the same.</summary>
    public string? Context { get; init; }
}
