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
    public async Task The_embedding_sample_writes_and_reads_back()
    {
        string folder = Directory.CreateTempSubdirectory("blockgraph-sample-").FullName;
        TextWriter console = Console.Out;
        using StringWriter printed = new();
        Console.SetOut(printed);
        try
        {
            MethodInfo entry = Assembly.Load("BlockGraph.Samples.Embedding").EntryPoint!;
            object? result = entry.Invoke(null, [new[] { Path.Combine(folder, "demo,1.img") }]);
            if (result is Task task)
            {
                await task;
            }
        }
        finally
        {
            Console.SetOut(console);
        }

        byte[] image = await File.ReadAllBytesAsync(Path.Combine(folder, "demo,1.img"));
        Directory.Delete(folder, recursive: true);
        Assert.That(printed.ToString().Trim(), Is.EqualTo("64 MiB through throttle -> raw -> file: read back what was written"), "what it prints");
        Assert.That(image, Has.Length.EqualTo(64 << 20), "the image it makes");
        Assert.That(image.AsSpan(1 << 20, 4096).IndexOfAnyExcept((byte)0xA5), Is.EqualTo(-1), "the bytes on the disk");
    }

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
