namespace BlockGraph.Tools.Dispatch;

/// <summary>The name that the program was called by, which decides whose command line it takes.</summary>
internal static class CalledName
{
    /// <summary>This program's own name.</summary>
    public const string Own = "blockgraph";

    /// <summary>The program that exercises an image with single requests.</summary>
    public const string QemuIo = "qemu-io";

    /// <summary>The program that works on images: creates, converts, measures them.</summary>
    public const string QemuImg = "qemu-img";

    /// <summary>The names that <c>install-links</c> makes.</summary>
    public static IReadOnlyList<string> Links { get; } = [QemuIo, QemuImg, "qemu-nbd", "qemu-storage-daemon"];

    /// <summary>The name in <paramref name="path"/>: its last part, without what Windows or a framework-dependent start adds.</summary>
    public static string Of(string path)
    {
        string name = Path.GetFileName(path);
        return name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".exe", StringComparison.OrdinalIgnoreCase)
            ? name[..^4]
            : name;
    }

    /// <summary>The name of this process. A name that is no link's is this program's own: it may have been renamed.</summary>
    public static string OfThisProcess()
    {
        // Under the runtime's own host the first argument is the library it hosts; what the caller typed is elsewhere then.
        string name = Of(Environment.GetCommandLineArgs()[0]);
        if (!Links.Contains(name) && OperatingSystem.IsLinux())
        {
            name = Of(Linux.TypedName.OfThisProcess() ?? name);
        }

        return Links.Contains(name) ? name : Own;
    }
}
