using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>What the image commands do differently by the program's own name and by the name <c>qemu-img</c>.</summary>
internal sealed record ImgName
{
    /// <summary>As <c>blockgraph img</c>.</summary>
    public static ImgName Own { get; } = new()
    {
        Program = CalledName.Own,
        Profile = CompatibilityProfile.Own,
    };

    /// <summary>As <c>qemu-img</c>.</summary>
    public static ImgName Qemu { get; } = new()
    {
        Program = CalledName.QemuImg,
        Profile = CompatibilityProfile.Qemu,
        FollowsTexts = true,
    };

    /// <summary>The name in front of errors.</summary>
    public required string Program { get; init; }

    /// <summary>Which semantics the graph follows.</summary>
    public required CompatibilityProfile Profile { get; init; }

    /// <summary>A failure to open is told with the image in front, as it was written, and a failed request by its error number's text alone.</summary>
    public bool FollowsTexts { get; init; }

    /// <summary>What a person is told of a request that has failed.</summary>
    public string TextOf(BlockException failure) => FollowsTexts ? failure.Kind.ToErrnoText() : failure.Message;
}
