using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Opening;

/// <summary>Backing files and data files that images name: which of them are opened, and that none leads back to where it has been.</summary>
[TestFixture]
public sealed class NamedFileTests() : FileDriverFixture("linux")
{
    private const int LengthBytes = 1 << 20;

    private static readonly BackendOptions s_reader = new() { ReadOnly = true };

    // What the header says, and the refusal of this project's own profile; null for none.
    [TestCase("base.raw", "raw", null)]
    [TestCase("file:HERE/base.raw", "raw", null)]
    [TestCase("null-co://", "raw", "'null-co:' is not followed out of an image")]
    [TestCase("json:{\"driver\":\"null-co\",\"size\":1048576}", null, "'json:' is not followed out of an image")]
    [TestCase("base.raw", "null-co", "driver 'null-co' is not used because an image says so")]
    [TestCase("base.raw", "throttle", "driver 'throttle' is not used because an image says so")]
    public void A_backing_name_out_of_an_image_passes_the_gate_of_the_profile(string name, string? format, string? refusal)
    {
        GraphFixture own = AddWorld(drivers: [new Qcow2Driver(), new NullCoDriver()]);
        own.Run(async () =>
        {
            // top -> what its header says
            name = name.Replace("HERE", PathOf(""), StringComparison.Ordinal);
            MakeFile("base.raw", new byte[LengthBytes]);
            string top = MakeImage("top", Plain with { BackingFileName = name, BackingFormat = format });
            if (refusal is null)
            {
                await using BlockBackend backend = await OpenImageAsync(own.Graph, top, s_reader);
                Assert.That(backend.Root!.CowChild, Is.Not.Null, "it is opened");
                return;
            }

            BlockException refused = await RefusedAsync(() => OpenImageAsync(own.Graph, top, s_reader));
            Assert.That(refused.Message, Is.EqualTo($"Could not open backing file: Image '{top}' names '{name}' as its backing file: {refusal}"), "image, name and reason");
            Assert.That(refused.Hint, Does.Contain("backing.filename=").And.Contain("ImplicitOpenGate"), "what may be done");
            Assert.That(refused.Kind, Is.EqualTo(BlockErrorKind.AccessDenied), "its kind");
            AssertNothingIsLeft("afterwards", own.Graph, top);
        });
    }

    [TestCase("null-co://", "raw")]
    [TestCase("json:{\"driver\":\"null-co\",\"size\":1048576}", null)]
    public void What_the_gate_refuses_is_opened_in_the_profile_of_QEMU_and_by_an_option(string name, string? format)
    {
        string top = MakeImage("top", Plain with { BackingFileName = name, BackingFormat = format });
        GraphFixture qemu = AddWorld(profile: CompatibilityProfile.Qemu, drivers: [new Qcow2Driver(), new NullCoDriver()]);
        qemu.Run(async () =>
        {
            await using BlockBackend backend = await OpenImageAsync(qemu.Graph, top, s_reader);
            Assert.That(Lowest(backend.Root!.CowChild!.Node).Driver.Name, Is.EqualTo("null-co"), "the gate is open");
        });
        GraphFixture own = AddWorld(drivers: [new Qcow2Driver(), new NullCoDriver()]);
        own.Run(async () =>
        {
            await using BlockBackend backend = await own.Graph.OpenAsync(
                new() { { "driver", "qcow2" }, { "file.driver", "file" }, { "file.filename", top }, { "backing.filename", name } }, s_reader);
            Assert.That(Lowest(backend.Root!.CowChild!.Node).Driver.Name, Is.EqualTo("null-co"), "the user has named it");
        });
    }

    // A header may name anything: nothing, what no file is called, or the prefix of a protocol alone.
    [TestCase("", null)]
    [TestCase("\0", null)]
    [TestCase("a\0b", "Could not open")]
    [TestCase("file:", "Could not open")]
    [TestCase(":", "Could not open")]
    [TestCase("/", "Could not open")]
    public void A_name_that_is_none_is_refused_or_says_nothing(string name, string? refusal)
    {
        GraphFixture world = AddWorld(profile: CompatibilityProfile.Qemu, drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            string top = MakeImage("top", Plain with { BackingFileName = "xxx", BackingFormat = "raw" });
            byte[] bytes = File.ReadAllBytes(top);
            int at = bytes.AsSpan(0, 65_536).LastIndexOf("xxx"u8);
            byte[] field = System.Text.Encoding.UTF8.GetBytes(name.PadRight(3, '\0'));
            field.CopyTo(bytes.AsSpan(at));
            bytes[19] = (byte)field.Length;
            MakeFile("top", bytes);
            if (refusal is not null)
            {
                Assert.That((await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader))).Message, Does.StartWith(refusal), "the reason");
                return;
            }

            await using BlockBackend backend = await OpenImageAsync(world.Graph, top, s_reader);
            Assert.That(backend.Root!.CowChild, Is.Null, "there is none");
        });
    }

    [Test]
    public void A_gate_that_allows_nothing_refuses_data_files_and_backing_files()
    {
        CompatibilityProfile profile = CompatibilityProfile.Own with { ImplicitOpenGate = ImplicitOpenGate.AllowNothing };
        GraphFixture closed = AddWorld(profile: profile, drivers: new Qcow2Driver());
        closed.Run(async () =>
        {
            string data = MakeFile("data", new byte[LengthBytes]);
            string withData = MakeImage("with-data", Plain with { DataFileName = data });
            string overlay = MakeImage("overlay", Plain with { BackingFileName = "data", BackingFormat = "raw" });
            const string reason = "nothing is opened because an image says so";
            Assert.That(
                (await RefusedAsync(() => OpenImageAsync(closed.Graph, withData, s_reader))).Message, Is.EqualTo($"Image '{withData}' names '{data}' as its data file: {reason}"), "data");
            Assert.That(
                (await RefusedAsync(() => OpenImageAsync(closed.Graph, overlay, s_reader))).Message,
                Is.EqualTo($"Could not open backing file: Image '{overlay}' names 'data' as its backing file: {reason}"),
                "backing");
            AssertNothingIsLeft("afterwards", closed.Graph, withData);
        });
    }

    [TestCase(199, true)]
    [TestCase(200, false)]
    public void A_chain_is_200_images_long_at_most(int backingCount, bool isOpened)
    {
        GraphFixture world = AddWorld(drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            // n -> n-1 -> … -> 0
            MakeFile("0", Pattern(LengthBytes, seed: 1));
            for (int i = 1; i <= backingCount; i++)
            {
                MakeImage($"{i}", Plain with { BackingFileName = $"{i - 1}", BackingFormat = i == 1 ? "raw" : "qcow2" });
            }

            string top = PathOf($"{backingCount}");
            if (isOpened)
            {
                await using BlockBackend backend = await OpenImageAsync(world.Graph, top, s_reader);
                byte[] read = new byte[512];
                await backend.ReadAsync(4096, read);
                Assert.That(read, Is.EqualTo(Pattern(LengthBytes, seed: 1).AsSpan(4096, 512).ToArray()), "what the lowest one has");
                return;
            }

            BlockException refused = await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader));
            Assert.That(
                refused.Message,
                Is.EqualTo($"Could not open backing file: Image '{PathOf("1")}': Backing file '{PathOf("0")}' makes a chain of more than 200 images"),
                "image and file, once");
            AssertNothingIsLeft("afterwards", world.Graph, top);
        });
    }

    // What the lower image names: itself or the upper one, by whatever links.
    [TestCase("low")]
    [TestCase("top")]
    [TestCase("./folder/../top")]
    [TestCase("symbolic")]
    [TestCase("hard")]
    [TestCase("folder/symbolic-to-hard")]
    [TestCase("file:HERE/hard")]
    public void A_loop_is_found_whatever_links_lead_there(string name)
    {
        GraphFixture world = AddWorld(drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            // top -> low -> top -> …
            name = name.Replace("HERE", PathOf(""), StringComparison.Ordinal);
            Directory.CreateDirectory(PathOf("folder"));
            string top = MakeImage("top", Plain with { BackingFileName = "low", BackingFormat = "qcow2" });
            MakeImage("low", Plain with { BackingFileName = name, BackingFormat = "qcow2" });
            File.CreateSymbolicLink(PathOf("symbolic"), "top");
            MakeHardLink(top, PathOf("hard"));
            File.CreateSymbolicLink(PathOf("folder/symbolic-to-hard"), "../hard");
            BlockException refused = await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader));
            string shown = name.StartsWith("file:", StringComparison.Ordinal) ? name : PathOf(name);
            Assert.That(
                refused.Message,
                Is.EqualTo($"Could not open backing file: Image '{PathOf("low")}': Backing file '{shown}' creates an infinite loop."),
                "image and file, once");
            AssertNothingIsLeft("afterwards", world.Graph, top);
        });
    }

    // A json: name says nothing by itself; the image that it leads to does.
    [Test]
    public void A_loop_by_way_of_json_names_is_found_when_it_comes_round()
    {
        GraphFixture world = AddWorld(profile: CompatibilityProfile.Qemu, drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            string top = PathOf("top");
            MakeImage("top", Plain with { BackingFileName = $"json:{{\"driver\":\"qcow2\",\"file\":{{\"driver\":\"file\",\"filename\":\"{top}\"}}}}" });
            BlockException refused = await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader));
            Assert.That(refused.Message, Does.StartWith("Could not open backing file: Image ").And.EndsWith("creates an infinite loop."), "why");
            AssertNothingIsLeft("afterwards", world.Graph, top);
        });
    }

    // Who names whose file as its data file, or as its backing file.
    [TestCase("top", null, "Image 'TOP': data file 'TOP' is its file")]
    [TestCase("hard", null, "Image 'TOP': data file 'HARD' is its file")]
    [TestCase("data", "data", "Could not open backing file: Image 'TOP': backing file 'DATA' is its data file")]
    [TestCase("data", "link", "Could not open backing file: Image 'TOP': backing file 'LINK' is its data file")]
    public void A_data_file_is_neither_the_image_nor_its_backing_file(string data, string? backing, string text)
    {
        GraphFixture world = AddWorld(drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            MakeFile("data", new byte[LengthBytes]);
            File.CreateSymbolicLink(PathOf("link"), "data");
            string top = MakeImage("top", Plain with { DataFileName = PathOf(data), BackingFileName = backing, BackingFormat = backing is null ? null : "raw" });
            MakeHardLink(top, PathOf("hard"));
            BlockException refused = await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader));
            foreach (string name in new[] { "top", "hard", "data", "link" })
            {
                text = text.Replace($"'{name.ToUpperInvariant()}'", $"'{PathOf(name)}'", StringComparison.Ordinal);
            }

            Assert.That(refused.Message, Is.EqualTo(text), "image and file");
            AssertNothingIsLeft("afterwards", world.Graph, top);
        });
    }

    // top (data: data) -> low (data: the same file, or top)
    [TestCase("data", "is the data file of 'TOP', which lies over it")]
    [TestCase("top", "is the file of 'TOP', which lies over it")]
    public void A_data_file_of_a_backing_file_is_none_of_an_image_above(string name, string reason)
    {
        GraphFixture world = AddWorld(drivers: new Qcow2Driver());
        world.Run(async () =>
        {
            MakeFile("data", new byte[LengthBytes]);
            string top = MakeImage("top", Plain with { DataFileName = PathOf("data"), BackingFileName = "low", BackingFormat = "qcow2" });
            MakeImage("low", Plain with { DataFileName = PathOf(name) });
            BlockException refused = await RefusedAsync(() => OpenImageAsync(world.Graph, top, s_reader));
            Assert.That(
                refused.Message,
                Is.EqualTo($"Could not open backing file: Image '{PathOf("low")}': data file '{PathOf(name)}' {reason.Replace("TOP", top, StringComparison.Ordinal)}"),
                "image and file");
            AssertNothingIsLeft("afterwards", world.Graph, top);
        });
    }

    private static Qcow2CreateOptions Plain => new() { LengthBytes = LengthBytes };

    private static BlockNode Lowest(BlockNode node) => node.PrimaryChild is { } primary ? Lowest(primary.Node) : node;

    private static Task<BlockBackend> OpenImageAsync(NodeGraph graph, string path, BackendOptions backend) =>
        graph.OpenAsync(new() { { "driver", "qcow2" }, { "file.driver", "file" }, { "file.filename", path }, { "read-only", "on" } }, backend);

    private static void MakeHardLink(string present, string path)
    {
        try
        {
            using System.Diagnostics.Process link = System.Diagnostics.Process.Start("ln", [present, path]);
            link.WaitForExit();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("missing program: ln");
        }
    }

    private string MakeImage(string name, Qcow2CreateOptions options) =>
        MakeFile(name, new Qcow2Layout(options.CreateHeaderArea(), options.LengthBytes).ToArray());
}
