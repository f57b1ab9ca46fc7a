using System.Diagnostics;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>
/// What a command holds does not grow with the image, or by as little as there is to be known of each cluster. What the image is made of passes through a heap that is limited:
/// 80 MB of tables, a hundred thousand small structures, the chain of as many images as there may be.
/// </summary>
[TestFixture]
public sealed class ImgMemoryTests
{
    private const int LayerCount = 199;

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    // 512 GiB, all of whose 8 million clusters are mapped. In this order: the later ones change the image.
    [Test]
    public void Each_command_gets_by_with_a_small_heap()
    {
        const int heapMib = 36;
        string image = _folder.File("large.qcow2");
        Run($"create -q -f qcow2 -o preallocation=metadata {image} 512G", heapMib);
        Assert.Multiple(() =>
        {
            Assert.That(Run($"check {image}", heapMib), Does.StartWith("No errors were found on the image.\n8388608/8388608 = 100.00% allocated"), "check");
            Assert.That(Run($"map --output=json {image}", heapMib), Does.EndWith("]\n"), "map");
            Run($"bitmap --add -g 64k {image} b", heapMib);
            Run($"snapshot -c s {image}", heapMib);
            Run($"amend -o refcount_bits=64 {image}", heapMib);
        });
    }

    // In memory, where there is such a folder: to make it, a disk would be flushed thousands of times. 32,768 L2 tables and 8,448 blocks of reference counts, which become 33,800 of another width, each shorter than an object that stands for it.
    [Test]
    public void Many_small_tables_take_no_more_than_few_large_ones()
    {
        const int heapMib = 24;
        using TemporaryFolder memory = TemporaryFolder.InMemory();
        string image = memory.File("small.qcow2");
        Run($"create -q -f qcow2 -o cluster_size=512,preallocation=metadata {image} 1G", heapMib);
        Assert.Multiple(() =>
        {
            Assert.That(Run($"check -r all {image}", heapMib), Does.StartWith("No errors were found on the image.\n2097152/2097152 = 100.00% allocated"), "check -r all");
            Run($"snapshot -c s {image}", heapMib);
            Run($"snapshot -d s {image}", heapMib);
            Run($"amend -o refcount_bits=64 {image}", heapMib);
            Run($"resize -q --shrink {image} 100M", heapMib);
            Assert.That(Run($"check {image}", heapMib), Does.StartWith("No errors were found on the image.\n"), "check of what has become of it");
        });
    }

    [Test]
    public void An_image_of_a_long_chain_takes_little_more_than_one_alone()
    {
        const int heapMib = 32;
        MakeChain();
        Assert.Multiple(() =>
        {
            Assert.That(Run($"map --output=json {Layer(LayerCount)}", heapMib), Does.EndWith("]\n"), "map");
            Run($"commit -q {Layer(LayerCount)}", heapMib);
        });
    }

    // All overlays are the same but for the name of what is below, and those names are of one length.
    private void MakeChain()
    {
        Run($"create -q -f qcow2 {Layer(0)} 64M", 36);
        Run($"create -q -f qcow2 -b {Layer(0)} -F qcow2 {Layer(1)}", 36);
        byte[] image = File.ReadAllBytes(Layer(1));
        byte[] name = System.Text.Encoding.UTF8.GetBytes(Layer(0));
        int at = image.AsSpan().IndexOf(name);
        Assert.That(at, Is.Positive, "the name in the header");
        for (int i = 2; i <= LayerCount; i++)
        {
            System.Text.Encoding.UTF8.GetBytes(Layer(i - 1)).CopyTo(image, at);
            File.WriteAllBytes(Layer(i), image);
        }
    }

    private string Layer(int index) => _folder.File($"layer{index:000}.qcow2");

    private static string Run(string line, int heapMib)
    {
        ProcessStartInfo start = new(BuiltProgram.Path, ["img", .. line.Split(' ')])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_GCHeapHardLimit"] = $"{heapMib << 20:x}", ["DOTNET_gcServer"] = "0" },
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That((process.ExitCode, errors.Result), Is.EqualTo((0, "")), line);
        return output;
    }
}
