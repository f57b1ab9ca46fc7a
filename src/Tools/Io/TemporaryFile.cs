using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Io;

/// <summary>An empty file that nobody else can read, in the system's folder for files that may grow large. The variable <c>TMPDIR</c> names another folder.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private TemporaryFile(string path) => Path = path;

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Makes it.</summary>
    /// <exception cref="BlockException">There is no such folder, or it cannot be written to.</exception>
    public static TemporaryFile Create()
    {
        // What is in /tmp may be held in memory, and an overlay may become as large as the disk.
        string folder = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } named ? named : OperatingSystem.IsWindows() ? System.IO.Path.GetTempPath() : "/var/tmp";
        string path = System.IO.Path.Combine(folder, "blockgraph." + System.IO.Path.GetRandomFileName());
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using FileStream file = new(path, options);
            return new TemporaryFile(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw FileFailure.Of(failure, path, $"Could not open temporary file '{path}'");
        }
    }

    /// <summary>Removes it, where the system lets go of a file that is open; <see cref="Dispose"/> tries again.</summary>
    public void Dispose()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is open on a system that keeps open files, or somebody has taken the folder away.
        }
    }
}
