using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Tests.HostFile;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>QEMU's own driver does with the same options what the tables of these tests say.</summary>
[TestFixture]
public sealed class BlkdebugInteropTests : BlkdebugFixture
{
    [Test]
    public void Qemu_fails_the_same_requests()
    {
        string image = MakeFile("a.img", new string('x', 1 << 20));
        int rowCount = 0;
        foreach (TestCaseData row in BlkdebugRuleTable.Rows)
        {
            (string options, string requests, string results) = ((string)row.Arguments[0]!, (string)row.Arguments[1]!, (string)row.Arguments[2]!);
            if (requests.Contains('f', StringComparison.Ordinal) || requests.Contains('s', StringComparison.Ordinal))
            {
                // qemu-io says nothing of a flush, and asks nothing of a filter's status.
                continue;
            }

            string[] commands = [.. requests.Split(' ').SelectMany(r => new[] { "-c", CommandOf(r) })];
            string output = QemuIo.Run(["--image-opts", $"driver=blkdebug,discard=unmap,image.driver=file,image.filename={image},{options}", .. commands]);
            string actual = string.Join(' ', output.Split('\n').Where(l => l.Contains(" failed: ", StringComparison.Ordinal) || l.Contains(" bytes at offset ", StringComparison.Ordinal)).Select(ResultOf));
            Assert.That(actual, Is.EqualTo(results), $"{requests} with {options}: {output}");
            rowCount++;
        }

        Assert.That(rowCount, Is.GreaterThan(15), "most rows are compared");
    }

    [TestCaseSource(typeof(BlkdebugLimitTests), nameof(BlkdebugLimitTests.Refused))]
    public void Qemu_refuses_the_same_limits(string options, string what)
    {
        string image = MakeFile("a.img", new string('x', 1 << 20));
        string output = QemuIo.Run("--image-opts", $"driver=blkdebug,image.driver=file,image.filename={image},{options}", "-c", "length");
        Assert.That(output, Does.Contain($"Cannot meet constraints with {what}\n"), "the text");
    }

    [TestCaseSource(typeof(BlkdebugLimitTests), nameof(BlkdebugLimitTests.Accepted))]
    public void Qemu_takes_the_same_limits(string options)
    {
        string image = MakeFile("a.img", new string('x', 1 << 20));
        Assert.That(QemuIo.Run("--image-opts", $"driver=blkdebug,image.driver=file,image.filename={image},{options}", "-c", "length"), Is.EqualTo("1 MiB\n"), "it is open");
    }

    private static string CommandOf(string request)
    {
        string range = request.Length == 1 ? "0 4096" : request[1..].Replace('+', ' ');
        return request[0] switch { 'r' => "read ", 'w' => "write ", 'z' => "write -z ", _ => "discard " } + range;
    }

    private static string ResultOf(string line)
    {
        int failed = line.IndexOf(" failed: ", StringComparison.Ordinal);
        if (failed < 0)
        {
            return ".";
        }

        string text = line[(failed + " failed: ".Length)..];
        return $"{Enum.GetValues<BlockErrorKind>().First(kind => kind.ToErrnoText() == text).ToErrno()}";
    }
}
