using System.Formats.Tar;

namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>
/// Whether a name stands for a regular file, found out without opening it: opening a FIFO waits for its other end, and .NET
/// has no call that neither opens a file nor hides its kind.
/// </summary>
internal static class PortableFileKind
{
    private const int TypeOffset = 156; // of the type byte in a tar header

    /// <summary>
    /// True for a regular file. What has a length is one; of what has none, a tar header is made, for .NET looks at a file's
    /// kind before it archives it, and for FIFOs and devices writes a header without opening them.
    /// </summary>
    /// <exception cref="IOException">The file cannot be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be looked at.</exception>
    public static bool IsRegular(string path)
    {
        FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
        if (OperatingSystem.IsWindows() || file is not FileInfo { Length: 0 })
        {
            return file is FileInfo;
        }

        using MemoryStream archive = new();
        try
        {
            using TarWriter writer = new(archive, TarEntryFormat.Ustar, leaveOpen: true);
            writer.WriteEntry(file.FullName, "f");
        }
        catch (IOException) when (archive.Length == 0 && file.Exists)
        {
            // A socket, which no archive can hold, or a file that will not be opened for real either.
            return false;
        }

        ReadOnlySpan<byte> header = archive.GetBuffer();
        return (TarEntryType)header[TypeOffset] is TarEntryType.RegularFile or TarEntryType.V7RegularFile;
    }
}
