using System.Diagnostics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>A folder of its own for each test, on a real disk, and one of the two engines to open files with.</summary>
[NonParallelizable]
public abstract class HostFileFixture(string engine)
{
    private string _folder = "";

    protected HostPlatform Platform { get; } = engine == "linux" ? HostPlatform.Linux : HostPlatform.Portable;

    protected bool IsLinuxEngine { get; } = engine == "linux";

    [SetUp]
    public void MakeFolder()
    {
        if (IsLinuxEngine && !OperatingSystem.IsLinux())
        {
            Assert.Ignore("the linux engine needs Linux");
        }

        _folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "files-" + TestContext.CurrentContext.Test.ID);
        Directory.CreateDirectory(_folder);
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    protected string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Makes a file that holds <paramref name="content"/> and returns its path.</summary>
    protected string MakeFile(string name, params byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    protected HostFile Open(string path, bool isWritable = true, bool isDevice = false) =>
        Platform.OpenFile(new HostFileOptions(path) { IsWritable = isWritable, IsDevice = isDevice });

    protected BlockException OpenFails(string path, bool isWritable, bool isDevice = false) =>
        Assert.Throws<BlockException>(() => Open(path, isWritable, isDevice).Dispose())!;

    /// <summary>How many descriptors of this process are open on files whose names begin so; without a name, in the test's folder.</summary>
    protected int OpenDescriptorCount(string? path = null) =>
        new DirectoryInfo("/proc/self/fd").GetFiles().Count(link => link.LinkTarget?.StartsWith(path ?? _folder, StringComparison.Ordinal) == true);

    protected static byte[] Pattern(int lengthBytes, int seed)
    {
        byte[] bytes = new byte[lengthBytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected static byte[] ReadBytes(HostFile file, long offset, int lengthBytes)
    {
        byte[] bytes = Enumerable.Repeat((byte)0xEE, lengthBytes).ToArray();
        file.Read(offset, bytes);
        return bytes;
    }

    /// <summary>A vector over a copy of <paramref name="bytes"/> in pieces of the given lengths, and one with the rest.</summary>
    protected static IoVector Pieces(byte[] bytes, params int[] lengths)
    {
        List<Memory<byte>> parts = [];
        int done = 0;
        foreach (int length in lengths)
        {
            parts.Add(bytes.AsSpan(done, length).ToArray());
            done += length;
        }

        parts.Add(bytes.AsSpan(done).ToArray());
        return new IoVector(new IoSegments([.. parts]));
    }

    protected static byte[] ToArray(IoVector vector)
    {
        byte[] bytes = new byte[vector.Length];
        vector.CopyTo(bytes);
        return bytes;
    }

    /// <summary>Runs a program of the system, or skips the test where there is none; returns what it printed.</summary>
    protected static string Run(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return output;
    }

    /// <summary>Starts a program with its input and output in our hands, or skips the test where there is none.</summary>
    protected static Process Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore($"{program} is not installed");
            throw;
        }
    }
}
