using BlockGraph.BlockCore.DriverModel;

namespace BlockGraph.Tools.Io;

/// <summary>What the io command does differently by its own name and by the name <c>qemu-io</c>.</summary>
internal sealed record IoSettings
{
    /// <summary>As <c>blockgraph io</c>.</summary>
    public static IoSettings Own { get; } = new()
    {
        Program = "blockgraph",
        Profile = CompatibilityProfile.Own,
    };

    /// <summary>As <c>qemu-io</c>.</summary>
    public static IoSettings Qemu { get; } = new()
    {
        Program = "qemu-io",
        Profile = CompatibilityProfile.Qemu,
        FollowsTexts = true,
        AlwaysPrompts = true,
        DrainsToFinish = true,
        OpensByFileName = true,
    };

    /// <summary>The name in prompts and in front of errors.</summary>
    public required string Program { get; init; }

    /// <summary>Which semantics the graph follows.</summary>
    public required CompatibilityProfile Profile { get; init; }

    /// <summary>Texts are those that scripts for the well-known program look for; otherwise they say more.</summary>
    public bool FollowsTexts { get; init; }

    /// <summary>Buffers begin where no file that bypasses the page cache can use them as they are.</summary>
    public bool MisalignsBuffers { get; init; }

    /// <summary>The prompt is printed even where no person types.</summary>
    public bool AlwaysPrompts { get; init; }

    /// <summary>Waiting for what was submitted drains the graph, so that throttled requests run at once; otherwise they keep their time.</summary>
    public bool DrainsToFinish { get; init; }

    /// <summary>What <c>open</c> takes is a file name; otherwise OPTIONS as on the command line.</summary>
    public bool OpensByFileName { get; init; }

    /// <summary>Option strings are the only way to open an image (<c>--image-opts</c>).</summary>
    public bool TakesImageOptions { get; init; }
}
