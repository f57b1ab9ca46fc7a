using System.Text;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>A folder with the images of one piece of work.</summary>
internal sealed class ImageWorkFolder : IDisposable
{
    private const int Mebibyte = 1 << 20;
    private const int WordCount = 4000;
    private readonly string _path;

    /// <summary>Makes it below <paramref name="parent"/>.</summary>
    public ImageWorkFolder(string parent)
    {
        _path = Path.Combine(parent, $"blockgraph-compare-work-{Environment.ProcessId}");
        Directory.CreateDirectory(_path);
    }

    /// <summary>The path of a file in it.</summary>
    public string File(string name) => Path.Combine(_path, name);

    /// <summary>The command line with the paths of the files that it names.</summary>
    public string[] Named(IEnumerable<string> arguments) => [.. arguments.Select(Named)];

    /// <summary>Has QEMU's program do something.</summary>
    /// <exception cref="ArgumentException">It has failed.</exception>
    public void RunQemuImg(params string[] arguments)
    {
        if (arguments.Length > 0)
        {
            Checked(ChildRun.Of(ComparedPrograms.QemuImg, Named(arguments)));
        }
    }

    /// <summary>The run, which has succeeded.</summary>
    /// <exception cref="ArgumentException">It has not.</exception>
    public static ChildRun Checked(ChildRun run) => run.ExitCode == 0 ? run : throw new ArgumentException($"work on an image failed: {run.Output}");

    /// <summary>A raw file with one mebibyte of data in each so many, no two alike.</summary>
    public void MakeSparse(string name, long lengthBytes, int oneIn)
    {
        using FileStream file = new(File(name), FileMode.Create);
        file.SetLength(lengthBytes);
        byte[] data = new byte[Mebibyte];
        for (long offset = 0; offset < lengthBytes; offset += (long)oneIn * Mebibyte)
        {
            Array.Fill(data, (byte)(1 + (offset / Mebibyte % 255)));
            file.Position = offset;
            file.Write(data);
        }
    }

    /// <summary>A raw file of extents of data with holes of the same length between them.</summary>
    public void MakeScattered(string name, int extentBytes, int count)
    {
        using FileStream file = new(File(name), FileMode.Create);
        file.SetLength(2L * extentBytes * count);
        byte[] data = new byte[extentBytes];
        for (int i = 0; i < count; i++)
        {
            Array.Fill(data, (byte)(1 + (i % 255)));
            file.Position = 2L * extentBytes * i;
            file.Write(data);
        }
    }

    /// <summary>A raw file of words at random, which compresses as text does.</summary>
    public void MakeText(string name, long lengthBytes)
    {
        Random random = new(1);
        byte[][] words = [.. Enumerable.Range(0, WordCount).Select(_ => Encoding.ASCII.GetBytes(random.GetString("abcdefghijklmnopqrstuvwxyz", random.Next(3, 11)) + " "))];
        using FileStream file = new(File(name), FileMode.Create, FileAccess.Write, FileShare.None, Mebibyte);
        while (file.Position < lengthBytes)
        {
            file.Write(words[random.Next(WordCount)]);
        }

        file.SetLength(lengthBytes);
    }

    // if=@NAME is one, too.
    private string Named(string argument)
    {
        int at = argument.IndexOf('@', StringComparison.Ordinal);
        return at == 0 || (at > 0 && argument[at - 1] == '=') ? argument[..at] + File(argument[(at + 1)..]) : argument;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_path, recursive: true);
}
