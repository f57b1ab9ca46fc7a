using System.Globalization;

namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>
/// Images of every shape, both ways: what our programs make and write theirs check and read, and the reverse; then the other side writes on, and it is read again. Every pair
/// of two properties that can go together occurs. Parts share nothing: the time is that of the other program, which makes a LUKS image in a second or two.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
public sealed class Qcow2InteroperationTests
{
    private const int Seed = 7;
    private const int ShapeCount = 160;
    private const int PartCount = 8;
    private const int LengthBytes = 3 << 20;
    private const string Key = "secret,id=key,data=a passphrase";

    private static readonly Program s_ours = new(static (name, arguments) => ToolRun.By(name, "", arguments));
    private static readonly Program s_theirs = new(static (name, arguments) => InstalledProgram.Run(name, "", arguments));

    private delegate ToolRun Program(string name, string[] arguments);

    [Test]
    public void Ours_is_theirs([Range(0, PartCount - 1)] int part) => Exchange(part, s_ours, s_theirs);

    [Test]
    public void Theirs_is_ours([Range(0, PartCount - 1)] int part) => Exchange(part, s_theirs, s_ours);

    private static void Exchange(int part, Program first, Program second)
    {
        Qcow2Shape[] shapes = [.. Qcow2Shape.Pairwise(ShapeCount, Seed).Where((_, i) => i % PartCount == part)];
        using TemporaryFolder folder = new();
        for (int i = 0; i < shapes.Length; i++)
        {
            Random chance = new((Seed * 1000) + (part * 100) + i);
            string name = folder.File($"{i}.qcow2");
            string context = $"part {part}, image {i}: {shapes[i]}";
            byte[] model = new byte[LengthBytes];
            HashSet<int> touched = [];
            string? backing = MakeBacking(folder, shapes[i], chance, model);
            Run(first, context, "qemu-img", ["create", "-q", "--object", Key, "-f", "qcow2", "-o", shapes[i].CreateOptions(name), .. backing is null ? Array.Empty<string>() : ["-b", backing, "-F", shapes[i].Backing], name, $"{LengthBytes}"]);
            Write(first, context, shapes[i], name, chance, model, touched);
            Check(second, context, shapes[i], name, folder, model);
            Write(second, context, shapes[i], name, chance, model, touched);
            Check(first, context, shapes[i], name, folder, model);
            Check(second, context, shapes[i], name, folder, model);
            Array.ForEach(Directory.GetFiles(folder.Path), File.Delete);
        }
    }

    private static string? MakeBacking(TemporaryFolder folder, Qcow2Shape shape, Random chance, byte[] model)
    {
        if (shape.Backing == "none")
        {
            return null;
        }

        // Shorter than the image above it.
        int length = (LengthBytes / 2) + 4608;
        chance.NextBytes(model.AsSpan(0, length));
        string raw = folder.File("backing.raw");
        File.WriteAllBytes(raw, model[..length]);
        if (shape.Backing == "raw")
        {
            return raw;
        }

        string backing = folder.File("backing.qcow2");
        Run(s_theirs, "backing image", "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, backing]);
        return backing;
    }

    private static void Write(Program program, string context, Qcow2Shape shape, string name, Random chance, byte[] model, HashSet<int> touched)
    {
        List<string> commands = [];
        for (int i = 0; i < 8; i++)
        {
            bool isCompressed = shape.Compression != "none" && chance.Next(2) == 0;
            int unit = isCompressed ? shape.ClusterBytes : 512;
            int offset = chance.Next(LengthBytes / unit) * unit;
            int length = Math.Min(isCompressed ? unit : (1 + chance.Next(chance.Next(2) == 0 ? 16 : 400)) * 512, LengthBytes - offset);
            int[] clusters = [.. Enumerable.Range(offset / shape.ClusterBytes, ((offset + length - 1) / shape.ClusterBytes) - (offset / shape.ClusterBytes) + 1)];
            if (isCompressed && clusters.Any(touched.Contains))
            {
                // Their program compresses only what was never written.
                continue;
            }

            touched.UnionWith(clusters);
            int pattern = 1 + chance.Next(255);
            bool isZero = !isCompressed && chance.Next(4) == 0;
            commands.Add(isZero ? $"write -z {(chance.Next(2) == 0 ? "-u " : "")}{offset} {length}" : $"write {(isCompressed ? "-c " : "")}-P {pattern} {offset} {length}");
            model.AsSpan(offset, length).Fill(isZero ? (byte)0 : (byte)pattern);
        }

        Run(program, context, "qemu-io", ["--object", Key, .. commands.SelectMany(command => new[] { "-c", command }), .. ImageArguments(shape, name)]);
    }

    private static void Check(Program program, string context, Qcow2Shape shape, string name, TemporaryFolder folder, byte[] model)
    {
        ToolRun check = program("qemu-img", ["check", "--object", Key, .. ImageArguments(shape, name)]);
        Assert.That(check.ExitCode, Is.Zero, $"{context}: check: {check.Out} {check.Error}");
        string copy = folder.File("copy.raw");
        Run(program, context, "qemu-img", ["convert", "--object", Key, "-O", "raw", .. ImageArguments(shape, name), copy]);
        byte[] read = File.ReadAllBytes(copy);
        int difference = read.AsSpan().CommonPrefixLength(model);
        Assert.That(difference, Is.EqualTo(LengthBytes), string.Create(CultureInfo.InvariantCulture, $"{context}: the first byte that is read wrongly"));
        if (shape.DataFile == "raw")
        {
            Assert.That(File.ReadAllBytes($"{name}.data").AsSpan().SequenceEqual(model), Is.True, $"{context}: the data file by itself");
        }
    }

    private static string[] ImageArguments(Qcow2Shape shape, string name) =>
        shape.Encryption == "none" ? ["-f", "qcow2", name] : ["--image-opts", $"driver=qcow2,encrypt.key-secret=key,file.filename={name}"];

    private static void Run(Program program, string context, string name, string[] arguments)
    {
        ToolRun run = program(name, arguments);
        Assert.That(run.ExitCode, Is.Zero, $"{context}: {name} {string.Join(' ', arguments)}: {run.Out} {run.Error}");
        Assert.That(run.Out, Does.Not.Contain("failed"), $"{context}: {name} {string.Join(' ', arguments)}");
    }
}
