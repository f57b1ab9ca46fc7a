using System.Reflection;
using System.Text.RegularExpressions;

namespace BlockGraph.Qapi.Tests.Samples;

/// <summary>The code in the documents is the code in the tree, and it runs.</summary>
[TestFixture]
public sealed partial class DocumentedSamplesTests
{
    private static readonly string s_root = FindRoot();

    [Test]
    public void The_sample_in_the_readme_is_the_sample_that_runs()
    {
        Match sample = SampleBlock().Match(File.ReadAllText(Path.Combine(s_root, "README.md")));
        Assert.That(sample.Success, Is.True, "the README shows a sample");
        string source = File.ReadAllText(Path.Combine(s_root, sample.Groups["path"].Value));
        Assert.That(sample.Groups["code"].Value.TrimEnd(), Is.EqualTo(source.TrimEnd()), "word for word");
        Assert.That(source.Split('\n').Length, Is.LessThanOrEqualTo(40), "about thirty lines");
    }

    [TestCase("writing-a-driver.md", 2)]
    [TestCase("testing.md", 4)]
    [TestCase("embedding.md", 16)]
    [TestCase("observability.md", 4)]
    public void The_code_in_the_documents_is_code_that_tests_run(string page, int sampleCount)
    {
        MatchCollection samples = SampleBlock().Matches(File.ReadAllText(Path.Combine(s_root, "docs", page)));
        Assert.That(samples, Has.Count.EqualTo(sampleCount), "the page's samples");
        foreach (Match sample in samples)
        {
            string source = File.ReadAllText(Path.Combine(s_root, sample.Groups["path"].Value));
            Assert.That(source, Does.Contain(sample.Groups["code"].Value.TrimEnd()), $"{sample.Groups["path"].Value}, word for word");
        }
    }

    [Test]
    public async Task The_first_sample_writes_and_reads_back()
    {
        string folder = Directory.CreateTempSubdirectory("blockgraph-sample-").FullName;
        string printed = await RunAsync("BlockGraph.Samples.Quickstart", Path.Combine(folder, "demo,1.img"));
        byte[] image = await File.ReadAllBytesAsync(Path.Combine(folder, "demo,1.img"));
        Directory.Delete(folder, recursive: true);
        Assert.That(printed.Trim(), Is.EqualTo("64 MiB through throttle -> raw -> file: read back what was written"), "what it prints");
        Assert.That(image, Has.Length.EqualTo(64 << 20), "the image it makes");
        Assert.That(image.AsSpan(1 << 20, 4096).IndexOfAnyExcept((byte)0xA5), Is.EqualTo(-1), "the bytes on the disk");
    }

    [Test]
    public async Task The_embedding_sample_tells_its_story()
    {
        string folder = Directory.CreateTempSubdirectory("blockgraph,sample-").FullName;
        string printed = await RunAsync("BlockGraph.Samples.Embedding", folder);
        byte[] image = await File.ReadAllBytesAsync(Path.Combine(folder, "disk0.img"));
        Directory.Delete(folder, recursive: true);

        // How long requests took, and how many a drain found under way, is the machine's affair.
        string story = Times().Replace(DrainedCounts().Replace(printed, "some in flight, some stay"), "$1");
        Assert.That(story.Trim(), Is.EqualTo(EmbeddingStory.Text.Trim()), "what it prints");
        Assert.That(image.AsSpan(0, 8 * 4096).IndexOfAnyExcept((byte)0xA0), Is.EqualTo(-1), "what the guest has written while it was alone");
        Assert.That(image.AsSpan(8 * 4096, 8 * 4096).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "what the guest has zeroed");
        Assert.That(image.AsSpan(16 * 4096, 64 * 4096).IndexOfAnyExcept((byte)0xA1), Is.EqualTo(-1), "what the guest has written while a disk was plugged in");
    }

    [Test]
    public async Task The_observability_sample_shows_metrics_and_spans()
    {
        string printed = await RunAsync("BlockGraph.Samples.Observability", "");
        Assert.That(printed.ReplaceLineEndings("\n").Trim(), Is.EqualTo("""
            slow write at storage: error none
              slow write at disk: error none
            slow write at disk: error none
            4 durations, the shortest as long as the storage takes
            storage: 1 Read, 4096 bytes, p99 25 ms or more
            storage: 1 Write, 4096 bytes, p99 25 ms or more
            disk: 1 Read, 4096 bytes, p99 25 ms or more
            disk: 1 Write, 4096 bytes, p99 25 ms or more
            blockgraph.node.bytes node=disk driver=raw operation=read = 4096
            blockgraph.node.bytes node=disk driver=raw operation=write = 4096
            blockgraph.node.bytes node=storage driver=null-co operation=read = 4096
            blockgraph.node.bytes node=storage driver=null-co operation=write = 4096
            blockgraph.node.errors node=disk driver=raw operation=read = 0
            blockgraph.node.errors node=disk driver=raw operation=write = 0
            blockgraph.node.errors node=storage driver=null-co operation=read = 0
            blockgraph.node.errors node=storage driver=null-co operation=write = 0
            blockgraph.node.in_flight node=disk driver=raw = 0
            blockgraph.node.in_flight node=storage driver=null-co = 0
            blockgraph.node.operations node=disk driver=raw operation=read = 1
            blockgraph.node.operations node=disk driver=raw operation=write = 1
            blockgraph.node.operations node=storage driver=null-co operation=read = 1
            blockgraph.node.operations node=storage driver=null-co operation=write = 1
            """.ReplaceLineEndings("\n").Trim()), "what it prints");
    }

    private static async Task<string> RunAsync(string sample, string argument)
    {
        TextWriter console = Console.Out;
        using StringWriter printed = new();
        using TextWriter safe = TextWriter.Synchronized(printed);
        Console.SetOut(safe);
        try
        {
            MethodInfo entry = Assembly.Load(sample).EntryPoint!;
            object? result = entry.Invoke(null, [new[] { argument }]);
            if (result is Task task)
            {
                await task;
            }
        }
        finally
        {
            Console.SetOut(console);
        }

        return printed.ToString();
    }

    [GeneratedRegex(@"\d+ in flight, \d+ stay")]
    private static partial Regex DrainedCounts();

    // A row of the table without its last columns: mean and histogram.
    [GeneratedRegex(@"^(   (?:Read|Write|WriteZeroes|Discard|Flush) +\d+ +\d+ +\d+) .*$", RegexOptions.Multiline)]
    private static partial Regex Times();

    [GeneratedRegex(@"<!-- (sample|part of): (?<path>\S+) -->\n```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex SampleBlock();

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "BlockGraph.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new AssertionException("the tests do not run inside the tree");
    }
}
