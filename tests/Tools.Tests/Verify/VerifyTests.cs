using System.Text.Json;

namespace BlockGraph.Tools.Tests.Verify;

/// <summary>The load that knows what it has written, on every driver and every way of reaching a file.</summary>
[TestFixture]
[NonParallelizable]
public sealed class VerifyTests
{
    private const int ImageBytes = 2 << 20;
    private TemporaryFolder _folder = null!;

    // DISK, DISK2 and MEMORY stand for paths: two on a disk, one in memory.
    private static readonly string[] s_graphs =
    [
        "driver=file,filename=DISK",
        "driver=raw,file.filename=DISK",
        "driver=raw,offset=512,size=1M,file.filename=DISK",
        "driver=raw,discard=unmap,detect-zeroes=unmap,file.discard=unmap,file.filename=DISK",
        "driver=throttle,limits.iops-total=1000000,file.filename=DISK",
        "driver=copy-on-read,file.filename=DISK",
        "driver=raw,file.driver=preallocate,file.file.filename=DISK",
        "driver=blkdebug,align=4096,max-transfer=8192,max-write-zero=4096,image.filename=DISK",
        "driver=blkverify,raw.filename=DISK,test.filename=DISK2",
        "driver=quorum,vote-threshold=2,children.0.filename=DISK,children.1.filename=DISK2,children.2.filename=MEMORY",
        "driver=qcow2,file.filename=QCOW2",
        "driver=qcow2,lazy-refcounts=on,l2-cache-size=4096,l2-cache-entry-size=512,file.driver=throttle,file.limits.iops-total=1000000,file.file.driver=file,file.file.filename=QCOW2",
        "driver=luks,key-secret=key,file.filename=LUKS",
    ];

    private const string Secret = "secret,id=key,data=abcdefgh";

    // These keep nothing, or are the driver file under another name.
    private static readonly string[] s_exempt = ["null-co", "null-aio", "host_device"];

    private static readonly string[] s_ways =
    [
        "aio=auto", "aio=threads", "aio=io_uring", "aio=auto,cache.direct=on", "aio=threads,cache.direct=on", "aio=native,cache.direct=on", "aio=io_uring,cache.direct=on",
        "aio=auto,cache.no-flush=on",
    ];

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Every_graph_holds_what_was_written([ValueSource(nameof(s_graphs))] string graph, [Values(0, 2)] int threadCount)
    {
        string memory = MemoryPath();
        try
        {
            string options = graph.Replace("DISK2", _folder.Image("b.img", ImageBytes), StringComparison.Ordinal).Replace("DISK", _folder.Image("a.img", ImageBytes), StringComparison.Ordinal)
                .Replace("MEMORY", memory, StringComparison.Ordinal).Replace("=QCOW2", "=" + Formatted("qcow2", "cluster_size=4k"), StringComparison.Ordinal)
                .Replace("=LUKS", "=" + Formatted("luks", "key-secret=key,iter-time=10"), StringComparison.Ordinal);
            AssertVerified(options, threadCount, "4k");
        }
        finally
        {
            File.Delete(memory);
        }
    }

    [Test]
    public void Every_driver_that_keeps_data_is_among_them()
    {
        string[] drivers = [.. ToolRun.Own("drivers", "--json").Json().GetProperty("drivers").EnumerateArray().Select(driver => driver.GetProperty("name").GetString()!)];
        Assert.That(drivers.Except(s_exempt).Where(driver => !s_graphs.Any(graph => graph.Contains("driver=" + driver, StringComparison.Ordinal))), Is.Empty, "drivers without a graph");
    }

    [Test]
    public void Every_way_to_a_file_holds_what_was_written([ValueSource(nameof(s_ways))] string way, [Values] bool isInMemory, [Values("512", "64k")] string size)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("these ways are Linux's");
        }

        string path = isInMemory ? MemoryPath() : _folder.Image("a.img", ImageBytes);
        try
        {
            AssertVerified($"driver=file,filename={path},{way}", threadCount: 2, size);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Blocks_of_any_length_are_found_right([Values("64", "520", "4104", "1M")] string size) =>
        AssertVerified($"driver=raw,file.filename={_folder.Image("a.img", ImageBytes)}", threadCount: 1, size);

    [Test]
    public void The_seed_decides_what_is_done()
    {
        string[] first = Counts("7");
        Assert.That(Counts("7"), Is.EqualTo(first), "the same again");
        Assert.That(Counts("8"), Is.Not.EqualTo(first), "another");

        string[] Counts(string seed)
        {
            ToolRun run = ToolRun.Own("bench", _folder.File("a.img"), "--create", "1M", "--verify", "--depth", "1", "--count", "500", "--seed", seed, "--json");
            Assert.That(run.ExitCode, Is.Zero, run.Error);
            return [.. run.Json().EnumerateObject().Where(member => member.Name != "seconds").Select(member => $"{member.Name}={member.Value}")];
        }
    }

    [Test]
    public void Plain_text_says_what_was_done_and_found()
    {
        ToolRun run = ToolRun.Own("bench", _folder.Image("a.img", ImageBytes), "--verify", "--threads", "2", "--count", "300");
        Assert.That(run.OutLines, Has.Length.EqualTo(2), run.Error);
        Assert.That(run.OutLines[0], Does.Match(@"^\d+ writes, \d+ zero writes, \d+ reads, \d+ flushes on 2 threads in \d+\.\d{3} s$"), "the load");
        Assert.That(run.OutLines[1], Does.Match(@"^verified: \d+ blocks under the load and \d+ at the end hold what was written$"), "the result");
    }

    [TestCase("driver=null-co,node-name=n", "node 'n' (null-co) keeps nothing")]
    [TestCase("driver=throttle,limits.iops-total=1,file.driver=null-aio,file.node-name=n", "node 'n' (null-aio) keeps nothing")]
    [TestCase("driver=quorum,vote-threshold=1,children.0.driver=null-co,children.0.node-name=n", "node 'n' (null-co) keeps nothing")]
    public void Storage_that_keeps_nothing_is_refused(string options, string why)
    {
        ToolRun run = ToolRun.Own("bench", options, "--object", Secret, "--verify");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"blockgraph: --verify reads back what it has written, and {why}\n")), "the refusal");
    }

    [TestCase("--verify does not go with --mix", "--verify", "--mix", "rw")]
    [TestCase("--verify does not go with --metrics", "--verify", "--metrics")]
    [TestCase("--verify does not go with --virtual-time", "--verify", "--virtual-time")]
    [TestCase("--threads goes with --verify only", "--threads", "2")]
    [TestCase("Parameter '--threads' expects a number from 1 to 256", "--verify", "--threads", "0")]
    [TestCase("Parameter '--size' expects a multiple of 8 from 64 on with --verify", "--verify", "--size", "100")]
    [TestCase("Parameter '--size' expects a multiple of 8 from 64 on with --verify", "--verify", "--size", "56")]
    [TestCase("the image of 2097152 bytes is shorter than one block of 4194304 bytes", "--verify", "--size", "4M")]
    public void What_does_not_go_together_is_one_line(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(["bench", "driver=raw,file.filename=" + _folder.Image("a.img", ImageBytes), .. arguments]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"blockgraph: {error}\n")), "the refusal");
        Assert.That(File.ReadAllBytes(_folder.File("a.img")).AsSpan().IndexOfAnyExcept((byte)0), Is.Negative, "nothing was written");
    }

    [TestCase(0)]
    [TestCase(2)]
    public void A_request_that_fails_ends_the_load_with_its_error(int threadCount)
    {
        string graph = $"driver=blkdebug,inject-error.0.event=none,inject-error.0.iotype=read,image.filename={_folder.Image("a.img", ImageBytes)}";
        ToolRun run = ToolRun.Own(["bench", graph, "--verify", "--count", "1000", .. Threads(threadCount)]);
        Assert.That(run.ExitCode, Is.EqualTo(1), "the exit code");
        Assert.That(run.Error, Does.StartWith("blockgraph: ").And.Contain("Input/output error"), "the words");
    }

    private static string MemoryPath()
    {
        string folder = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        string path = Path.Combine(folder, $"blockgraph-verify-{Environment.ProcessId}-{TestContext.CurrentContext.Test.ID}.img");
        using FileStream file = new(path, FileMode.Create);
        file.SetLength(ImageBytes);
        return path;
    }

    private string Formatted(string format, string options)
    {
        ToolRun run = ToolRun.Own("img", "create", "--object", Secret, "-f", format, "-o", options, _folder.File("a." + format), $"{ImageBytes}");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        return _folder.File("a." + format);
    }

    private static string[] Threads(int count) => count == 0 ? [] : ["--threads", $"{count}"];

    private static void AssertVerified(string options, int threadCount, string size)
    {
        ToolRun run = ToolRun.Own(["bench", options, "--object", Secret, "--verify", "--count", "1500", "--size", size, "--json", .. Threads(threadCount)]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        JsonElement result = run.Json();
        Assert.That(result.GetProperty("threads").GetInt32(), Is.EqualTo(Math.Max(1, threadCount)), "threads");
        Assert.That(result.GetProperty("reads").GetInt64(), Is.Positive, "blocks read under the load");
        Assert.That(result.GetProperty("verified_at_end").GetInt64(), Is.Positive, "blocks read at the end");
    }
}
