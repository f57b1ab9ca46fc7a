using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>
/// What a command holds does not grow with the image: on one of 512 GiB all of whose 8 million clusters are mapped (80 MB of tables) each gets by with a heap that is limited to
/// 36 MiB: what the image is made of passes through it.
/// </summary>
[TestFixture]
public sealed class ImgMemoryTests
{
    private const string HeapBytesMax = "2400000";

    private TemporaryFolder _folder = null!;
    private string _image = "";

    [OneTimeSetUp]
    public void MakeImage()
    {
        _folder = new TemporaryFolder();
        _image = _folder.File("large.qcow2");
        Run($"create -q -f qcow2 -o preallocation=metadata {_image} 512G");
    }

    [OneTimeTearDown]
    public void RemoveFolder() => _folder.Dispose();

    // In this order: the later ones change the image.
    [Test]
    public void Each_command_gets_by_with_a_small_heap()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Run($"check {_image}"), Does.StartWith("No errors were found on the image.\n8388608/8388608 = 100.00% allocated"), "check");
            Assert.That(Run($"map --output=json {_image}"), Does.EndWith("]\n"), "map");
            Run($"bitmap --add -g 64k {_image} b");
            Run($"snapshot -c s {_image}");
            Run($"amend -o refcount_bits=64 {_image}");
        });
    }

    private static string Run(string line)
    {
        ProcessStartInfo start = new(BuiltProgram.Path, ["img", .. line.Split(' ')])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_GCHeapHardLimit"] = HeapBytesMax, ["DOTNET_gcServer"] = "0" },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That((process.ExitCode, errors.Result), Is.EqualTo((0, "")), line);
        return output;
    }
}
