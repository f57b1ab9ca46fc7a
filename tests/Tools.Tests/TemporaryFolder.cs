namespace BlockGraph.Tools.Tests;

/// <summary>A folder of one test, gone with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("blockgraph-tools-").FullName;

    private TemporaryFolder(string path) => Path = Directory.CreateDirectory(path).FullName;

    public string Path { get; }

    /// <summary>One in memory, where the system has such a place; otherwise one like any other.</summary>
    public static TemporaryFolder InMemory() =>
        Directory.Exists("/dev/shm") ? new($"/dev/shm/blockgraph-tools-{Environment.ProcessId}-{TestContext.CurrentContext.Test.ID}") : new TemporaryFolder();

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a file of zeros and returns its path.</summary>
    public string Image(string name, long lengthBytes)
    {
        using FileStream file = new(File(name), FileMode.CreateNew);
        file.SetLength(lengthBytes);
        return file.Name;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
