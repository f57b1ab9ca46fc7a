using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling.Linux;
using BlockGraph.BlockCore.Scheduling.Portable;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The one seam to the operating system: how a loop sleeps, and how a file is opened, locked, read and written. One
/// implementation uses Linux's own calls, one only what .NET has everywhere.
/// </summary>
public abstract class HostPlatform
{
    /// <summary>The environment variable that chooses the engine of a process: <c>portable</c> forces the one that works everywhere.</summary>
    public const string EngineVariable = "BLOCKGRAPH_ENGINE";

    // As many as Linux follows.
    private const int LinkCountMax = 40;

    private static readonly Lazy<HostPlatform> s_default = new(() => Choose(Environment.GetEnvironmentVariable(EngineVariable), IsLinuxPossible));

    private protected HostPlatform()
    {
    }

    /// <summary>The platform that this process uses unless told otherwise.</summary>
    public static HostPlatform Default => s_default.Value;

    /// <summary>The engine on <c>RandomAccess</c>, which works on every system that .NET does.</summary>
    public static HostPlatform Portable { get; } = new PortablePlatform();

    /// <summary>The engine on Linux's own calls.</summary>
    public static HostPlatform Linux { get; } = new LinuxPlatform();

    /// <summary>What the engine is called: <c>linux</c> or <c>portable</c>.</summary>
    public abstract string Name { get; }

    // The engine's structures are those of 64-bit systems.
    private static bool IsLinuxPossible => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Opens a regular file or a block device. It never waits for another process. Control plane.</summary>
    /// <exception cref="BlockException">
    /// <c>Could not open 'PATH': …</c> with the system's words; <c>'file' driver requires 'PATH' to be a regular file</c> for
    /// a FIFO, a character device or a directory opened for reading; <see cref="BlockErrorKind.NotSupported"/> for direct
    /// access with an engine that has none. Nothing stays open.
    /// </exception>
    public abstract HostFile OpenFile(in HostFileOptions options);

    /// <summary>Opens the file that <paramref name="present"/> has open once more, with other options; where the system has a way to it, whatever its name stands for by now. Control plane.</summary>
    /// <exception cref="BlockException">As for <see cref="OpenFile"/>.</exception>
    public virtual HostFile OpenAgain(HostFile present, in HostFileOptions options) => OpenFile(options);

    /// <summary>
    /// Makes a regular file of <paramref name="lengthBytes"/> zeros that take no space, or empties and resizes one that
    /// is there, unless its user's locks forbid. Control plane.
    /// </summary>
    /// <param name="path">The file's name as the operating system takes it.</param>
    /// <param name="lengthBytes">The length in bytes; not negative.</param>
    /// <returns>True where there was none before.</returns>
    /// <exception cref="BlockException">
    /// <c>Could not create 'PATH': …</c>, <c>Could not resize file: …</c> or <c>Failed to get "…" lock</c>. A file that was
    /// not there before is removed again; one that was keeps its contents.
    /// </exception>
    public abstract bool CreateFile(string path, long lengthBytes);

    /// <summary>Refuses a name under which no file can be made, as far as that can be seen without making one: a folder's, or one in no folder. Control plane.</summary>
    /// <exception cref="BlockException"><c>Could not create 'PATH': …</c></exception>
    public virtual void CheckNewFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        BlockErrorKind? refusal = null;
        try
        {
            FileInfo named = new(path);
            string target = named.LinkTarget is null ? named.FullName : named.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
            refusal = Directory.Exists(target) ? BlockErrorKind.IsDirectory
                : !Directory.Exists(Path.GetDirectoryName(target)) ? BlockErrorKind.NotFound
                : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Whoever makes it is told why it cannot be.
        }

        if (refusal is { } kind)
        {
            throw HostFileError.CannotCreate(path, new BlockException(kind, kind.ToErrnoText()));
        }
    }

    /// <summary>Removes the regular file called <paramref name="path"/>; false where that is not possible. Control plane.</summary>
    public virtual bool TryDeleteFile(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The contents of the small file called <paramref name="path"/>, a pipe perhaps, which is not one of images. Control plane; blocks until a pipe's other end is closed.</summary>
    /// <exception cref="BlockException">It cannot be read, or has more than <paramref name="lengthBytesMax"/>; the message says why, without the contents.</exception>
    public virtual byte[] ReadSmallFile(string path, int lengthBytesMax)
    {
        ArgumentNullException.ThrowIfNull(path);
        BlockErrorKind? refusal = path.Length == 0 ? BlockErrorKind.NotFound : null;
        try
        {
            if (refusal is null)
            {
                return SmallFile.Read(path, lengthBytesMax);
            }
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            refusal = BlockErrorKind.NotFound;
        }
        catch (UnauthorizedAccessException)
        {
            refusal = Directory.Exists(path) ? BlockErrorKind.IsDirectory : BlockErrorKind.AccessDenied;
        }
        catch (IOException)
        {
            refusal = BlockErrorKind.InputOutput;
        }

        string words = refusal == BlockErrorKind.IsDirectory ? "Error reading file" : "Failed to open file";
        throw new BlockException(refusal!.Value, $"Unable to read {path}: {words} “{path}”: {refusal.Value.ToErrnoText()}");
    }

    /// <summary>Refuses a way of carrying out transfers that this system has not. Control plane.</summary>
    /// <exception cref="BlockException">It has not; the message says why.</exception>
    public virtual void CheckAio(HostFileAio aio)
    {
        if (aio is HostFileAio.Native or HostFileAio.IoUring)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"aio={(aio == HostFileAio.Native ? "native" : "io_uring")} is not possible: the {Name} file engine has none");
        }
    }

    /// <summary>True where <paramref name="path"/> stands for a block device.</summary>
    public virtual bool IsBlockDevice(string path) => false;

    /// <summary>
    /// What tells the file called <paramref name="path"/> from every other: two names of one file have it in common, links of both kinds included where this system can tell.
    /// For comparison only.
    /// </summary>
    public virtual string IdentifyFile(string path) => ResolvePath(path);

    /// <summary>The one name by which the file called <paramref name="path"/> is known: absolute, and with every link on the way followed.</summary>
    public virtual string ResolvePath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string resolved = Path.GetFullPath(path);
        for (int linkCount = 0; linkCount < LinkCountMax; linkCount++)
        {
            if (FollowFirstLink(resolved) is not { } next)
            {
                break;
            }

            resolved = next;
        }

        return resolved;
    }

    // The path with its first link replaced by what that leads to; null where there is none.
    private static string? FollowFirstLink(string path)
    {
        string root = Path.GetPathRoot(path) ?? string.Empty;
        string[] parts = path[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        string at = root;
        for (int i = 0; i < parts.Length; i++)
        {
            string here = Path.Combine(at, parts[i]);
            if (new FileInfo(here).LinkTarget is { } target)
            {
                return Path.GetFullPath(Path.Combine([at, target, .. parts[(i + 1)..]]));
            }

            at = here;
        }

        return null;
    }

    /// <summary>The platform for the value <paramref name="engine"/> of <see cref="EngineVariable"/>.</summary>
    /// <exception cref="BlockException">The value names no engine, or one that this system lacks.</exception>
    internal static HostPlatform Choose(string? engine, bool isLinux) => engine switch
    {
        null or "" or "auto" => isLinux ? Linux : Portable,
        "portable" => Portable,
        "linux" when isLinux => Linux,
        _ => throw new BlockException($"{EngineVariable} does not accept value '{engine}' (use auto, {(isLinux ? "linux, " : "")}portable)"),
    };

    /// <summary>How the loop of <paramref name="context"/> sleeps.</summary>
    internal abstract LoopWaiter CreateLoopWaiter(PolledAioContext context);
}
