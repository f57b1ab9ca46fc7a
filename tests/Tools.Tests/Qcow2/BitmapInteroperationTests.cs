namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>Bitmaps of images, handed to and fro between our programs and theirs: each finds what the other has left, and goes on.</summary>
[TestFixture]
public sealed class BitmapInteroperationTests
{
    private const int Seed = 11;
    private const int StepCount = 8;
    private const int LengthBytes = 3 << 20;

    private static readonly Program s_ours = new(static (name, arguments) => ToolRun.By(name, "", arguments));
    private static readonly Program s_theirs = new(static (name, arguments) => InstalledProgram.Run(name, "", arguments));

    private delegate ToolRun Program(string name, string[] arguments);

    // The bits and the lists are held against a model after each step.
    [Test]
    public void Each_goes_on_where_the_other_left_off([Values(512, 4096, 65536, 1 << 21)] int clusterBytes, [Values] bool isOursFirst, [Values(1, 2)] int run)
    {
        using TemporaryFolder folder = new();
        string name = folder.File("image.qcow2");
        Random chance = new((Seed * 100) + (clusterBytes * 7) + run + (isOursFirst ? 50 : 0));
        Dictionary<string, Model> model = [];
        Run(isOursFirst ? s_ours : s_theirs, "made", "qemu-img", "create", "-q", "-f", "qcow2", "-o", $"cluster_size={clusterBytes}", name, $"{LengthBytes}");
        for (int step = 0; step < StepCount; step++)
        {
            bool isOurs = (step % 2 == 0) == isOursFirst;
            string context = $"step {step} by {(isOurs ? "ours" : "theirs")}";
            context = $"{context}: {Change(isOurs ? s_ours : s_theirs, context, name, chance, model)}";
            AssertStored(name, model, context);
            string[] told = [.. new[] { s_ours, s_theirs }.Select(program => Run(program, context, "qemu-img", "info", "--output=json", name).Out)];
            Assert.That(told[0], Is.EqualTo(told[1]), $"{context}: what both tell");
            foreach (Program program in (Program[])[s_ours, s_theirs])
            {
                Run(program, context, "qemu-img", "check", name);
            }
        }
    }

    [Test]
    public void What_one_was_killed_over_the_other_finds_inconsistent()
    {
        using TemporaryFolder folder = new();
        string name = folder.File("image.qcow2");
        Run(s_ours, "made", "qemu-img", "create", "-q", "-f", "qcow2", name, "1M");
        Run(s_ours, "added", "qemu-img", "bitmap", "--add", name, "b");
        byte[] image = File.ReadAllBytes(name);

        // As a program leaves it that was killed: the flag of the only entry.
        long directory = (long)System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan(112 + 24));
        image[directory + 15] |= 1;
        File.WriteAllBytes(name, image);
        foreach (string action in (string[])["--clear", "--enable", "--disable", "--merge=b"])
        {
            ToolRun[] runs = [.. new[] { s_ours, s_theirs }.Select(program => program("qemu-img", ["bitmap", action, name, "b"]))];
            Assert.That(runs[0], Is.EqualTo(runs[1]), action);
            Assert.That(runs[0].ExitCode, Is.EqualTo(1), action);
        }

        ToolRun[] converted = [.. new[] { s_ours, s_theirs }.Select(program => program("qemu-img", ["convert", "-O", "qcow2", "--bitmaps", name, folder.File("copy.qcow2")]))];
        Assert.That(converted[0], Is.EqualTo(converted[1]), "converted");
        Run(s_theirs, "removed", "qemu-img", "bitmap", "--remove", name, "b");
        Assert.That(StoredBitmaps.Read(name), Is.Empty, "removed");
    }

    [Test]
    public void Both_measure_and_convert_alike([Values(512, 65536)] int clusterBytes)
    {
        using TemporaryFolder folder = new();
        string name = folder.File("image.qcow2");
        Run(s_ours, "made", "qemu-img", "create", "-q", "-f", "qcow2", name, "40M");
        Run(s_ours, "added", "qemu-img", "bitmap", "--add", "-g", "512", name, "fine");
        Run(s_ours, "added", "qemu-img", "bitmap", "--add", "--granularity", "1M", name, "coarse");
        Run(s_ours, "written", "qemu-io", "-c", "write 1M 3M", "-f", "qcow2", name);
        Run(s_ours, "disabled", "qemu-img", "bitmap", "--disable", name, "fine");
        foreach (string[] form in (string[][])[[], ["--output=json"], ["-o", "compat=0.10"]])
        {
            string[] measured = [.. new[] { s_ours, s_theirs }.Select(program => Run(program, "measured", "qemu-img", ["measure", "-O", "qcow2", .. form.Length == 2 ? form : [.. form, "-o", $"cluster_size={clusterBytes}"], name]).Out)];
            Assert.That(measured[0], Is.EqualTo(measured[1]), string.Join(' ', form));
        }

        foreach ((Program program, string copy) in ((Program, string)[])[(s_ours, folder.File("ours.qcow2")), (s_theirs, folder.File("theirs.qcow2"))])
        {
            Run(program, "converted", "qemu-img", "convert", "-O", "qcow2", "-o", $"cluster_size={clusterBytes}", "--bitmaps", name, copy);
            AssertSame(StoredBitmaps.Read(copy), StoredBitmaps.Read(name), copy);
        }
    }

    private static string Change(Program program, string context, string name, Random chance, Dictionary<string, Model> model)
    {
        string bitmap = model.Count == 0 ? "" : model.Keys.Order(StringComparer.Ordinal).ElementAt(chance.Next(model.Count));
        int kind = model.Count == 0 ? 0 : chance.Next(8);
        switch (kind)
        {
            case 0 when model.Count < 4:
                string added = $"b{chance.Next(1_000_000)}";
                int granularity = 512 << chance.Next(10);
                Run(program, context, "qemu-img", "bitmap", "--add", "-g", $"{granularity}", name, added);
                model[added] = new Model(granularity);
                return $"add {added}";
            case 1:
                Run(program, context, "qemu-img", "bitmap", "--remove", name, bitmap);
                model.Remove(bitmap);
                return $"remove {bitmap}";
            case 2:
                Run(program, context, "qemu-img", "bitmap", "--clear", "--disable", name, bitmap);
                model[bitmap].Dirty.Clear();
                model[bitmap].IsEnabled = false;
                return $"clear {bitmap}";
            case 3:
                string source = model.Keys.Order(StringComparer.Ordinal).ElementAt(chance.Next(model.Count));
                Run(program, context, "qemu-img", "bitmap", "--merge", source, "--enable", name, bitmap);
                model[bitmap].Merge(model[source]);
                model[bitmap].IsEnabled = true;
                return $"merge {source} into {bitmap}";
            default:
                int offset = chance.Next(LengthBytes / 512) * 512;
                int length = Math.Min((1 + chance.Next(300)) * 512, LengthBytes - offset);
                Run(program, context, "qemu-io", "-f", "qcow2", "-c", $"write{(chance.Next(3) == 0 ? " -z" : " -P 5")} {offset} {length}", name);
                foreach (Model written in model.Values.Where(written => written.IsEnabled))
                {
                    written.Mark(offset, length);
                }

                return $"write {offset}+{length}";
        }
    }

    private static void AssertStored(string name, Dictionary<string, Model> model, string context) =>
        AssertSame(StoredBitmaps.Read(name), model.ToDictionary(pair => pair.Key, pair => (pair.Value.IsEnabled ? 2u : 0u, pair.Value.Dirty.ToList())), context);

    private static void AssertSame(Dictionary<string, (uint Flags, List<long> Set)> stored, Dictionary<string, (uint Flags, List<long> Set)> expected, string context)
    {
        Assert.That(stored.Keys.Order(StringComparer.Ordinal), Is.EqualTo(expected.Keys.Order(StringComparer.Ordinal)), $"{context}: the bitmaps");
        foreach ((string name, (uint flags, List<long> set)) in expected)
        {
            Assert.That(stored[name].Flags, Is.EqualTo(flags), $"{context}: the flags of {name}");
            Assert.That(stored[name].Set, Is.EqualTo(set), $"{context}: the bits of {name}");
        }
    }

    private static ToolRun Run(Program program, string context, string name, params string[] arguments)
    {
        ToolRun run = program(name, arguments);
        Assert.That(run.ExitCode, Is.Zero, $"{context}: {name} {string.Join(' ', arguments)}: {run.Out} {run.Error}");
        Assert.That(run.Out, Does.Not.Contain("failed"), $"{context}: {name} {string.Join(' ', arguments)}");
        return run;
    }

    private sealed class Model(int granularityBytes)
    {
        public bool IsEnabled { get; set; } = true;

        public SortedSet<long> Dirty { get; } = [];

        public void Mark(long offset, long length)
        {
            for (long bit = offset / granularityBytes; bit <= (offset + length - 1) / granularityBytes; bit++)
            {
                Dirty.Add(bit);
            }
        }

        public void Merge(Model source)
        {
            foreach (long bit in source.Dirty.ToArray())
            {
                long start = bit * source.GranularityBytes;
                Mark(start, Math.Min(source.GranularityBytes, LengthBytes - start));
            }
        }

        private int GranularityBytes => granularityBytes;
    }
}
