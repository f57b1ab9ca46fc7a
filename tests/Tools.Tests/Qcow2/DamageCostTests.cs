using System.Collections.Concurrent;
using System.Diagnostics;
using BlockGraph.Drivers.Tests.Qcow2.Damage;

namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>Every damaged image of the table, each in a process of its own: whatever an image says, looking through it ends within 5 s, with 64 MiB of memory, and not by a crash.</summary>
[TestFixture]
[NonParallelizable]
public sealed class DamageCostTests
{
    private const int TimeMsMax = 5000;
    private const int ProcessCount = 2;

    // The runtime fails a program that needs more than these 64 MiB, in hexadecimal.
    private const string MemoryBytesMax = "4000000";

    private readonly Dictionary<string, byte[]> _sound = [];
    private TemporaryFolder _folder = null!;

    [OneTimeSetUp]
    public void MakeSoundImages()
    {
        _folder = new TemporaryFolder();
        string[] plain = ["v3:", "v2:-o compat=0.10", "bk:-b back.raw -F raw", "xl2:-o extended_l2=on", "lazy:-o lazy_refcounts=on", "rc1:-o refcount_bits=1", "snap:", "snap2:", "bmap:", "dfile:-o data_file=data.raw", "comp:", "zstd:-o compression_type=zstd"];
        Make("create -f raw back.raw 64M");
        foreach (string image in plain)
        {
            (string name, string options) = (image.Split(':')[0], image.Split(':')[1]);
            Make($"create -f qcow2 {options} {name} {(name is "comp" or "zstd" ? "4M" : "64M")}");
            if (name == "bmap")
            {
                Make("bitmap --add bmap b0");
            }

            string write = name is "comp" or "zstd" ? "write -c" : "write";
            Run("qemu-io", ["-f", "qcow2", "-c", $"{write} -P 0xa5 0 64k", "-c", $"{write} -P 0xa5 64k 64k", "-c", $"{write} -P 0x5a 1M 64k", name]);
        }

        Make("snapshot -c s1 snap");
        Make("snapshot -c s1 snap2");
        Make("snapshot -c s2 snap2");
        Make("create --object secret,id=s0,data=abc -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s0,encrypt.iter-time=10 enc 4M");
        foreach (string name in plain.Select(image => image.Split(':')[0]).Append("enc"))
        {
            _sound.Add(name, File.ReadAllBytes(_folder.File(name)));
        }
    }

    [OneTimeTearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void Whatever_an_image_says_a_check_of_it_ends_soon_with_little_memory()
    {
        File.CreateSymbolicLink(_folder.File("qemu-img"), BuiltProgram.Path);
        ConcurrentQueue<DamageCase> cases = new(DamageCases.All);
        Assert.That(cases, Has.Count.GreaterThan(200), "the whole table");
        ConcurrentBag<string> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, ProcessCount).Select(_ => new Thread(() =>
        {
            while (cases.TryDequeue(out DamageCase? one))
            {
                if (Check(one) is { } failure)
                {
                    failures.Add($"{one.Id}: {failure}");
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.That(failures.Order(StringComparer.Ordinal), Is.Empty, "what costs too much, or crashes");
    }

    // What is wrong with how the program ends; null for nothing.
    private string? Check(DamageCase one)
    {
        DamagedImage image = new((byte[])_sound[one.Base].Clone());
        one.Spoil(image);
        string path = _folder.File("damaged-" + one.Id);
        File.WriteAllBytes(path, image.Bytes);
        string[] arguments = one.Base == "enc"
            ? ["check", "--object", "secret,id=s0,data=abc", "--image-opts", $"driver=qcow2,file.filename={path},encrypt.key-secret=s0"]
            : ["check", "-r", "all", "-f", "qcow2", path];
        ProcessStartInfo start = new(_folder.File("qemu-img"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        start.Environment["DOTNET_GCHeapHardLimit"] = MemoryBytesMax;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeMsMax))
        {
            process.Kill();
            return "does not end";
        }

        process.WaitForExit();
        _ = output.Result;
        File.Delete(path);
        return process.ExitCode is >= 0 and <= 3 ? null : $"ends with {process.ExitCode}: {errors.Result}";
    }

    // The words of the line stand apart by spaces.
    private void Make(string line) => Run("qemu-img", line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private void Run(string program, string[] arguments)
    {
        ToolRun run = InstalledProgram.RunIn(_folder.Path, program, input: "", arguments);
        Assert.That(run.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {run.Error}");
    }
}
