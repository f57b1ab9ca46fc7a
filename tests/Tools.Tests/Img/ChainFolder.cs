using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>A folder of images for a program that has the formats and storages of the test kit, too: <c>cow</c>, <c>memory:NAME</c>, <c>faulty:NAME</c>.</summary>
internal sealed class ChainFolder : IDisposable
{
    /// <summary>The length of a cluster of its <c>cow</c> images.</summary>
    public const int Cluster = 4096;

    private readonly TemporaryFolder _folder = new();
    private readonly BlockDriver[] _drivers;

    public ChainFolder()
    {
        Faulty = new FaultyProtocol(Memory);
        _drivers = [new CowDriver(), Memory, Faulty];
    }

    /// <summary>Outlives every run.</summary>
    public MemoryProtocol Memory { get; } = new();

    public FaultyProtocol Faulty { get; }

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    /// <summary>Runs <c>blockgraph img</c>; a word of capital letters is the file of that name in small ones.</summary>
    public ToolRun Own(string line) => Run("blockgraph", $"img {line}");

    /// <summary>Runs <c>qemu-img</c>, likewise.</summary>
    public ToolRun Qemu(string line) => Run("qemu-img", line);

    /// <summary>Makes the image <paramref name="name"/> with <paramref name="line"/> and fills one cluster of it for each of <paramref name="clusters"/>, with its number and <paramref name="salt"/>.</summary>
    public void Make(string name, string line, int salt, params int[] clusters)
    {
        ToolRun run = Own(line);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), line);
        Use(OptionsOf(name), async backend =>
        {
            foreach (int cluster in clusters)
            {
                await backend.WriteAsync((long)cluster * Cluster, Filled(cluster + salt));
            }
        });
    }

    /// <summary>What each cluster of an image is full of; -1 where it is not of one value.</summary>
    public int[] Read(string name, string format = "cow")
    {
        List<int> values = [];
        Use(OptionsOf(name, format) + ",read-only=on", async backend =>
        {
            for (long at = 0; at < backend.LengthBytes; at += Cluster)
            {
                byte[] bytes = new byte[Math.Min(Cluster, backend.LengthBytes - at)];
                await backend.ReadAsync(at, bytes);
                values.Add(bytes.AsSpan().IndexOfAnyExcept(bytes[0]) < 0 ? bytes[0] : -1);
            }
        });
        return [.. values];
    }

    /// <summary>Opens <paramref name="options"/> for <paramref name="body"/>.</summary>
    public void Use(string options, Func<BlockBackend, Task> body) => ToolWorld.Run(
        GraphFixture.Profile,
        isVirtualTime: false,
        _ => { },
        async world =>
        {
            OptionsDictionary given = KeyvalParser.Parse(options);
            await using BlockBackend backend = await world.OpenAsync(given, new BackendOptions { ReadOnly = given.ContainsKey("read-only") });
            await body(backend);
            return 0;
        },
        _drivers);

    public string Expand(string line) => string.Join(' ', line.Split(' ').Select(word => string.Join('=', word.Split('=').Select(part => part.Length > 0 && part.All(char.IsAsciiLetterUpper) ? File(part.ToLowerInvariant()) : part))));

    public void Dispose() => _folder.Dispose();

    private static byte[] Filled(int value)
    {
        byte[] bytes = new byte[Cluster];
        bytes.AsSpan().Fill((byte)value);
        return bytes;
    }

    private ToolRun Run(string program, string line) => ToolRun.With(_drivers, new TestConsole(), program, Expand(line).Split(' '));

    private string OptionsOf(string name, string format = "cow") => name.Contains(':', StringComparison.Ordinal)
        ? $"driver={format},file.driver={name[..name.IndexOf(':', StringComparison.Ordinal)]},file.filename={name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..]}"
        : $"driver={format},file.driver=file,file.filename={File(name)}";
}
