using System.Diagnostics;
using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>
/// A folder of its own for each test, on a real disk, and a simulated world whose workers open real files with one of the two
/// engines. After every test nothing of the folder may be open.
/// </summary>
[NonParallelizable]
public abstract class FileDriverFixture(string engine)
{
    private readonly List<GraphFixture> _worlds = [];
    private string _folder = "";

    protected bool IsLinuxEngine { get; } = engine == "linux";

    protected HostPlatform Platform { get; } = engine == "linux" ? HostPlatform.Linux : HostPlatform.Portable;

    protected GraphFixture World => _worlds[0];

    protected NodeGraph Graph => World.Graph;

    [SetUp]
    public void MakeWorld()
    {
        if (IsLinuxEngine && !OperatingSystem.IsLinux())
        {
            Assert.Ignore("the linux engine needs Linux");
        }

        _folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "drivers-" + TestContext.CurrentContext.Test.ID);
        Directory.CreateDirectory(_folder);
        AddWorld();
    }

    [TearDown]
    public void RemoveWorld()
    {
        foreach (GraphFixture world in _worlds)
        {
            world.Dispose();
        }

        _worlds.Clear();
        if (Directory.Exists(_folder))
        {
            int openCount = OpenDescriptorCount();
            Directory.Delete(_folder, recursive: true);
            Assert.That(openCount, Is.Zero, "descriptors left open in the test's folder");
        }
    }

    /// <summary>The drivers of the tests, made anew for each graph.</summary>
    protected static BlockDriver[] NewDrivers() => [new HostFileDriver(), new RawDriver(), new Qcow2Driver(), new ThrottleFilterDriver()];

    /// <summary>Another world with a graph of its own, as another process would have.</summary>
    protected GraphFixture AddWorld(SimulationOptions? world = null, CompatibilityProfile? profile = null, HostPlatform? platform = null, params BlockDriver[] drivers)
    {
        GraphFixture fixture = new(
            world,
            [.. NewDrivers(), .. drivers],
            new NodeGraphOptions { Platform = platform ?? Platform, Profile = profile ?? CompatibilityProfile.Own, PseudoFileNames = PseudoFileName.Parse, PseudoFileNameWriter = PseudoFileName.Format });
        _worlds.Add(fixture);
        return fixture;
    }

    protected void Run(Func<Task> body) => World.Run(body);

    /// <summary>Opens OPTIONS as a command reads them.</summary>
    protected Task<BlockBackend> OpenAsync(string options, BackendOptions? backend = null) => OpenAsync(Graph, options, backend);

    protected static Task<BlockBackend> OpenAsync(NodeGraph graph, string options, BackendOptions? backend = null) =>
        graph.OpenAsync(CommandOptions.Read(options), backend);

    /// <summary>Adds a node that nobody uses yet.</summary>
    protected Task<BlockNode> AddNodeAsync(string options) => Graph.AddNodeAsync(CommandOptions.Read(options));

    /// <summary>The refusal of OPTIONS.</summary>
    protected Task<BlockException> RefusedAsync(string options, BackendOptions? backend = null) => RefusedAsync(() => OpenAsync(options, backend));

    protected static async Task<BlockException> RefusedAsync(Func<Task> operation)
    {
        try
        {
            await operation();
        }
        catch (BlockException refusal)
        {
            return refusal;
        }

        throw new AssertionException("it was not refused");
    }

    protected string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Makes a file that holds <paramref name="content"/> and returns its path.</summary>
    protected string MakeFile(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>Makes a file that is one hole and returns its path.</summary>
    protected string MakeSparseFile(string name, long lengthBytes)
    {
        Platform.CreateFile(PathOf(name), lengthBytes);
        return PathOf(name);
    }

    /// <summary>How many descriptors of this process are open on <paramref name="path"/>, or anywhere in the test's folder.</summary>
    protected int OpenDescriptorCount(string? path = null) => Descriptors(path).Count;

    /// <summary>True for each descriptor open on <paramref name="path"/> that may write.</summary>
    protected List<bool> DescriptorsMayWrite(string path)
    {
        List<bool> result = [];
        foreach (string number in Descriptors(path))
        {
            string flags = File.ReadLines("/proc/self/fdinfo/" + number).First(l => l.StartsWith("flags:", StringComparison.Ordinal))["flags:".Length..].Trim();
            result.Add((Convert.ToInt32(flags, 8) & 3) != 0);
        }

        return result;
    }

    /// <summary>Nothing of a failed operation is left: no node, no backend, no group, no descriptor, no lock.</summary>
    protected void AssertNothingIsLeft(string when, NodeGraph? graph = null, string? path = null)
    {
        graph ??= Graph;
        Assert.That(graph.Nodes, Is.Empty, $"{when}: no node");
        Assert.That(graph.Backends, Is.Empty, $"{when}: no backend");
        Assert.That(graph.ThrottleGroups.Groups, Is.Empty, $"{when}: no throttle group");
        Assert.That(OpenDescriptorCount(), Is.Zero, $"{when}: no descriptor");
        if (path is not null && IsLinuxEngine)
        {
            AssertLocksAreFree(path, when);
        }
    }

    /// <summary>Another process could use the file for anything and keep everybody out.</summary>
    protected void AssertLocksAreFree(string path, string when)
    {
        using OpenFile file = Platform.OpenFile(new HostFileOptions(path) { IsWritable = true });
        Assert.That(() => new ImageLocks(file).Prepare(ImageLocks.AllPermissions, 0), Throws.Nothing, $"{when}: a second opener gets every lock");
    }

    protected static byte[] Pattern(int lengthBytes, int seed)
    {
        byte[] bytes = new byte[lengthBytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>How much of the file is stored, as the file system counts it after it has written everything.</summary>
    protected static long AllocatedBytes(string path)
    {
        using (OpenFile file = HostPlatform.Portable.OpenFile(new HostFileOptions(path) { IsWritable = true }))
        {
            file.Flush();
        }

        try
        {
            using Process stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
            string output = stat.StandardOutput.ReadToEnd();
            stat.WaitForExit();
            return long.Parse(output, CultureInfo.InvariantCulture) * 512;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("missing program: stat");
            throw;
        }
    }

    private List<string> Descriptors(string? path)
    {
        List<string> numbers = [];
        if (Directory.Exists("/proc/self/fd"))
        {
            foreach (FileInfo link in new DirectoryInfo("/proc/self/fd").GetFiles())
            {
                string? target = link.LinkTarget;
                if (target is not null && (path is null ? target.StartsWith(_folder, StringComparison.Ordinal) : target == path))
                {
                    numbers.Add(link.Name);
                }
            }
        }

        return numbers;
    }
}
