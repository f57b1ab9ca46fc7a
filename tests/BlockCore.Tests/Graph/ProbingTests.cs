using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>An image without a driver is probed; what is only guessed to be raw is guarded.</summary>
[TestFixture]
public sealed class ProbingTests : GraphTests
{
    private byte[] Disk => Fixture.Memory.Storage("disk").Bytes;

    public static IEnumerable<TestCaseData> Signatures
    {
        get
        {
            yield return Case("qcow2", [.. "QFI\u00fb"u8[..3], 0xfb, 0, 0, 0, 3]);
            yield return Case("qcow2", [.. "QFI"u8, 0xfb, 0, 0, 0, 2]);
            yield return Case("qcow", [.. "QFI"u8, 0xfb, 0, 0, 0, 1]);
            yield return Case("qed", [.. "QED\0"u8]);
            yield return Case("vmdk", [.. "KDMV"u8]);
            yield return Case("vmdk", [.. "COWD"u8]);
            yield return Case("vmdk", [.. "# Disk DescriptorFile\nversion=1\n"u8]);
            yield return Case("vmdk", [.. "# a comment\n\n  \nversion=2\r\n"u8]);
            yield return Case("vdi", [.. new byte[0x40], 0x7f, 0x10, 0xda, 0xbe]);
            yield return Case("vpc", [.. "conectix"u8]);
            yield return Case("vhdx", [.. "vhdxfile"u8]);
            yield return Case("parallels", [.. "WithoutFreeSpace"u8]);
            yield return Case("parallels", [.. "WithouFreSpacExt"u8]);
            yield return Case("luks", [.. "LUKS"u8, 0xba, 0xbe]);
            yield return Case("bochs", [.. "Bochs Virtual HD Image\0"u8]);
            yield return Case("cloop", [.. "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"u8]);
        }
    }

    public static IEnumerable<TestCaseData> NearSignatures
    {
        get
        {
            yield return Case("raw", [.. "QFI"u8, 0xfb, 0, 0, 0, 0]);
            yield return Case("raw", [.. "QFI"u8, 0xfa, 0, 0, 0, 2]);
            yield return Case("raw", [.. "# a comment\nversion=4\n"u8]);
            yield return Case("raw", [.. "LUKS"u8, 0xba, 0xbf]);
            yield return Case("raw", [.. "conectiX"u8]);
            yield return Case("raw", [.. "Bochs Virtual HD ImageX"u8]);
        }
    }

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    [TestCaseSource(nameof(Signatures))]
    public void An_image_of_a_format_without_a_driver_is_refused_by_name(string format, byte[] head)
    {
        head.CopyTo(Disk, 0);
        AssertRefused("filename=memory:disk", $"The image 'memory:disk' is in format '{format}', for which there is no driver here (driver=raw shows its raw bytes)");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the storage is closed");
    }

    [TestCaseSource(nameof(NearSignatures))]
    public void What_only_resembles_a_signature_is_raw(string format, byte[] head) => Fixture.Run(async () =>
    {
        head.CopyTo(Disk, 0);
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        Assert.That(backend.Root!.Driver.Name, Is.EqualTo(format), "the guess");
    });

    [Test]
    public void A_disk_copy_is_known_by_its_name() =>
        AssertRefused("filename=memory:Install.DMG", "The image 'memory:Install.DMG' is in format 'dmg', for which there is no driver here (driver=raw shows its raw bytes)");

    [Test]
    public void An_explicit_driver_is_not_second_guessed() => Fixture.Run(async () =>
    {
        "QED\0"u8.CopyTo(Disk);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=raw,file.driver=memory,file.filename=disk");
        await backend.WriteAsync(0, "conectix"u8.ToArray());
        Assert.That(backend.Root!.IsProbed, Is.False, "not probed, not guarded");
    });

    [Test]
    public void A_format_with_a_driver_is_found_by_its_signature() => Fixture.Run(async () =>
    {
        MagicFormatDriver.Signature.CopyTo(Disk);
        Disk[512] = 77;
        List<BlockWarning> warnings = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockWarning>(warnings.Add);
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        byte[] first = new byte[1];
        await backend.ReadAsync(0, first);
        Assert.That(first[0], Is.EqualTo(77), "the data behind the header");
        Assert.That(backend.Root!.IsProbed, Is.True, "found by probing");
        Assert.That(backend.Root.FileChild!.Node.Name, Is.EqualTo(Fixture.Graph.Nodes[0].Name), "the file was opened once");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.EqualTo(1), "and stays open");
        Assert.That(warnings, Is.Empty, "nothing was guessed");
    });

    [Test]
    public void A_guess_is_told() => Fixture.Run(async () =>
    {
        List<BlockWarning> warnings = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockWarning>(warnings.Add);
        await using (await Fixture.OpenAsync("filename=memory:disk,read-only=on"))
        {
            Assert.That(warnings, Is.Empty, "a reader cannot be hurt");
        }

        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        Assert.That(warnings, Has.One.InstanceOf<FormatGuessed>().With.Property("FileName").EqualTo("memory:disk").And.Property("DriverName").EqualTo("raw"), "for those who have words of their own");
        Assert.That(
            warnings.Select(w => w.Message),
            Is.EqualTo(new[] { "Image format was not specified for 'memory:disk' and probing guessed raw: writes that would make its first sector look like another format are refused. Specify the format to lift this." }),
            "once");
    });

    [TestCaseSource(nameof(Signatures))]
    public void A_guessed_raw_cannot_be_made_to_look_like_another_format(string format, byte[] head) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk,node-name=n");
        byte[] sector = new byte[512];
        head.CopyTo(sector, 0);
        BlockException whole = await Failure.OfRequestAsync(() => backend.WriteAsync(0, sector));
        Assert.That(whole.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), format);
        Assert.That(whole.Message, Is.EqualTo("Node 'n' was probed as raw: its first sector cannot be made to look like another format"), "the text");
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, head));
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[1024].With(head)));
        Assert.That(Disk.AsSpan().IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "nothing was written");
    });

    [Test]
    public void The_last_byte_of_a_signature_is_refused_where_the_others_stand_already() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        await backend.WriteAsync(0, "QED!"u8.ToArray());
        await Failure.OfRequestAsync(() => backend.WriteAsync(3, new byte[1]));
        Assert.That(Disk[3], Is.EqualTo((byte)'!'), "as it was");
        await Failure.OfRequestAsync(() => backend.WriteZeroesAsync(3, 1));
        Assert.That(Disk[3], Is.EqualTo((byte)'!'), "zeros make a signature as well");
    });

    [Test]
    public void A_format_of_a_registered_driver_is_refused_as_well() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, MagicFormatDriver.Signature.ToArray()));
        Assert.That(Disk[0], Is.Zero, "nothing was written");
    });

    [Test]
    public void Harmless_writes_and_writes_elsewhere_are_allowed() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:disk");
        await backend.WriteAsync(0, new byte[] { 1, 2, 3 });
        await backend.WriteZeroesAsync(0, 4096);
        await backend.WriteAsync(512, "conectix"u8.ToArray());
        await backend.WriteAsync(1000, "vhdxfile"u8.ToArray());
        Assert.That(Disk.AsSpan(512, 8).ToArray(), Is.EqualTo("conectix"u8.ToArray()), "beyond the first sector");
    });

    [Test]
    public void An_image_shorter_than_a_probe_is_raw([Values(0, 1, 3, 511)] int lengthBytes) => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("short", lengthBytes);
        await using BlockBackend backend = await Fixture.OpenAsync("filename=memory:short,read-only=on");
        Assert.That(backend.Root!.Driver.Name, Is.EqualTo("raw"), "the guess");
        Assert.That(backend.LengthBytes, Is.EqualTo(lengthBytes), "the length");
    });

    [Test]
    public void An_image_that_cannot_be_read_is_not_guessed() => Fixture.Run(async () =>
    {
        Fixture.Memory.Storage("disk").FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        BlockException error = await Failure.OfAsync(() => Fixture.OpenAsync("filename=memory:disk"));
        Assert.That(error.Message, Is.EqualTo("Could not read image for determining its format: Input/output error"), "the text");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the kind");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "closed");
    });

    [Test]
    public void Without_a_driver_for_raw_nothing_is_guessed()
    {
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            BlockException error = await Failure.OfAsync(() => fixture.OpenAsync("filename=memory:disk"));
            Assert.That(error.Message, Is.EqualTo("Could not determine image format: No compatible driver found"), "the text");
        });
    }

    [Test]
    public void A_filters_inline_child_is_probed_like_a_top_level_image() => Fixture.Run(async () =>
    {
        // own profile: pass-through -> magic -> memory, so that the filter shows the image's contents
        MagicFormatDriver.Signature.CopyTo(Disk);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.filename=memory:disk");
        BlockNode child = backend.Root!.FileChild!.Node;
        Assert.That(child.Driver.Name, Is.EqualTo("magic"), "its format");
        Assert.That(backend.LengthBytes, Is.EqualTo(Disk.Length - 512), "its contents");
    });

    [Test]
    public void A_filters_child_that_is_guessed_raw_is_guarded() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,file.filename=memory:disk");
        Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo("raw"), "guessed");
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, "QED\0"u8.ToArray()));
    });

    [Test]
    public void In_the_qemu_profile_a_filters_inline_child_is_plain_storage()
    {
        // qemu profile: pass-through -> memory, so that the filter shows the raw bytes
        using GraphFixture fixture = new(drivers: [new RawDriver()], graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        fixture.Run(async () =>
        {
            byte[] disk = fixture.Memory.Storage("disk").Bytes;
            MagicFormatDriver.Signature.CopyTo(disk);
            await using BlockBackend backend = await fixture.OpenAsync("driver=pass-through,file.filename=memory:disk");
            Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo("memory"), "not probed");
            Assert.That(backend.LengthBytes, Is.EqualTo(disk.Length), "the raw bytes");
        });
    }

    [Test]
    public void A_formats_child_is_plain_storage_in_either_profile() => Fixture.Run(async () =>
    {
        MagicFormatDriver.Signature.CopyTo(Disk);
        await using BlockBackend backend = await Fixture.OpenAsync("driver=raw,file.filename=memory:disk");
        Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo("memory"), "not probed");
    });

    [Test]
    public void Of_equal_scores_the_driver_registered_last_wins()
    {
        DriverRegistry registry = new([new RawDriver(), new MagicFormatDriver(), new SecondMagicDriver()]);
        Assert.That(registry.ProbeFormat(MagicFormatDriver.Signature, "x"), Is.TypeOf<SecondMagicDriver>(), "the later");
        Assert.That(registry.All.Select(d => d.Name), Is.EqualTo(new[] { "raw", "magic", "magic-2" }), "in order of registration");
    }

    [TestCase("a:b", "a")]
    [TestCase("a/b:c", null)]
    [TestCase("/x:y", null)]
    [TestCase("plain", null)]
    [TestCase("", null)]
    [TestCase(":x", "")]
    public void A_prefix_is_what_stands_before_a_colon_that_comes_before_a_slash(string fileName, string? prefix) =>
        Assert.That(DriverRegistry.ProtocolPrefix(fileName), Is.EqualTo(prefix), fileName);

    private static TestCaseData Case(string format, byte[] head) => new TestCaseData(format, head).SetArgDisplayNames(format, Convert.ToHexString(head));

    private sealed class SecondMagicDriver : BlockDriver
    {
        public override string Name => "magic-2";

        public override string Summary => "claims the same images";

        public override DriverCategory Category => DriverCategory.Format;

        public override BlockCore.Options.OptionSchema Options { get; } = new();

        public override int Probe(ReadOnlySpan<byte> head) => ProbeScoreSignature;

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => throw new NotSupportedException();
    }
}

/// <summary>Buffers that begin with something.</summary>
internal static class BufferExtensions
{
    public static byte[] With(this byte[] buffer, byte[] head)
    {
        head.CopyTo(buffer, 0);
        return buffer;
    }
}
