using System.Security.Cryptography;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>A folder with the same files each time it is made, in which one case runs.</summary>
internal sealed class PreparedFolder : IDisposable
{
    private const int ComparedBytes = 4 << 20;

    /// <summary>Makes it at <paramref name="path"/>, with a copy of every file of <paramref name="images"/>.</summary>
    public PreparedFolder(string path, string? images)
    {
        Path = path;
        Directory.CreateDirectory(path);
        Write("empty.raw", 0);
        Write("zero.raw", 1 << 20);
        Write("data.raw", 1 << 20, (0, 65536, 0x11), (512 << 10, 4096, 0x22));
        Write("same.raw", 1 << 20, (0, 65536, 0x11), (512 << 10, 4096, 0x22));
        Write("other.raw", 1 << 20, (0, 65536, 0x11), (512 << 10, 2048, 0x22), ((512 << 10) + 2048, 2048, 0x33));
        Write("long.raw", 2 << 20, (0, 65536, 0x11), (512 << 10, 4096, 0x22));
        Write("odd.raw", 70001, (0, 70001, 0x44));
        Directory.CreateDirectory(System.IO.Path.Combine(path, "folder"));
        File.CreateSymbolicLink(System.IO.Path.Combine(path, "dangling"), "nowhere/x.raw");
        File.CreateSymbolicLink(System.IO.Path.Combine(path, "loop"), "loop");
        foreach (string image in images is null ? [] : Directory.GetFiles(images))
        {
            File.Copy(image, System.IO.Path.Combine(path, System.IO.Path.GetFileName(image)));
        }
    }

    public string Path { get; }

    /// <summary>
    /// Every file and folder with its length and a sum over its bytes; of a very long file those at both ends. Where things lie in an image of a format is each program's own: of those
    /// there are the names.
    /// </summary>
    public IReadOnlyList<string> Describe() =>
        [.. new DirectoryInfo(Path).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Select(Describe).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Describe(FileSystemInfo entry) =>
        entry.LinkTarget is { } target ? $"{entry.Name} -> {target}"
        : HoldsFormat(entry) ? entry.Name
        : entry is FileInfo file ? $"{entry.Name}: {file.Length} bytes, {Sum(file)}"
        : $"{entry.Name}/";

    private static bool HoldsFormat(FileSystemInfo entry) => entry.Extension is ".qcow2" or ".luks" or ".img";

    private static string Sum(FileInfo file)
    {
        using FileStream stream = file.OpenRead();
        byte[] bytes = new byte[Math.Min(file.Length, ComparedBytes)];
        stream.ReadExactly(bytes);
        string sum = Convert.ToHexString(SHA256.HashData(bytes));
        if (file.Length == bytes.Length)
        {
            return sum;
        }

        stream.Seek(-bytes.Length, SeekOrigin.End);
        stream.ReadExactly(bytes);
        return $"{sum}, {Convert.ToHexString(SHA256.HashData(bytes))}";
    }

    private void Write(string name, long lengthBytes, params (int Offset, int Count, byte Value)[] data)
    {
        using FileStream file = new(System.IO.Path.Combine(Path, name), FileMode.CreateNew);
        file.SetLength(lengthBytes);
        foreach ((int offset, int count, byte value) in data)
        {
            file.Seek(offset, SeekOrigin.Begin);
            byte[] bytes = new byte[count];
            Array.Fill(bytes, value);
            file.Write(bytes);
        }
    }
}
