using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Luks;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Luks;

/// <summary>
/// Encrypted images in a graph:
/// <code>
///   backend ──► luks ──file──► memory "disk"           luks ──header──► memory "head"
///                                                        └────file────► memory "data"
/// </code>
/// The texts are those of QEMU 7.2.
/// </summary>
[TestFixture]
public sealed class LuksDriverTests
{
    private const int LengthBytes = 64 << 10;
    private const string Disk = "driver=luks,file.driver=memory,file.filename=disk";
    private const string Open = $"{Disk},key-secret={LuksImage.SecretId}";

    private static readonly byte[] s_image = LuksImage.Make(LengthBytes);

    private GraphFixture _fixture = null!;

    private MemoryStorage Storage => _fixture.Memory.Storage("disk");

    [SetUp]
    public void SetUp() => _fixture = NewFixture(new NodeGraphOptions());

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void What_is_written_is_read_and_is_nowhere_in_the_file() => Run(async () =>
    {
        byte[] data = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7 % 251))];
        await using (BlockBackend backend = await _fixture.OpenAsync(Open))
        {
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the image's length");
            byte[] given = [.. data];
            await backend.WriteAsync(1000, given);
            Assert.That(given, Is.EqualTo(data), "the guest's buffer is as it was");
            byte[] read = new byte[data.Length];
            await backend.ReadAsync(1000, read);
            Assert.That(read, Is.EqualTo(data), "read again");
        }

        Assert.That(Storage.Bytes.AsSpan().IndexOf(data.AsSpan(512, 64)), Is.Negative, "the file does not have it");
        await using BlockBackend again = await _fixture.OpenAsync(Open);
        byte[] opened = new byte[data.Length];
        await again.ReadAsync(1000, opened);
        Assert.That(opened, Is.EqualTo(data), "after opening it again");
    });

    [Test]
    public void Buffers_in_pieces_of_any_length_are_read_and_written() => Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Open);
        byte[] data = [.. Enumerable.Range(0, 2048).Select(i => (byte)(i * 11 % 251))];
        await backend.WriteAsync(512, new IoVector(new IoSegments([data.AsMemory(0, 100), data.AsMemory(100, 1900), data.AsMemory(2000, 48)])));
        byte[] odd = new byte[2048];
        await backend.ReadAsync(512, new IoVector(new IoSegments([odd.AsMemory(0, 7), odd.AsMemory(7, 2041)])));
        byte[] whole = new byte[2048];
        await backend.ReadAsync(512, new IoVector(new IoSegments([whole.AsMemory(0, 512), whole.AsMemory(512, 1536)])));
        Assert.That((odd, whole), Is.EqualTo((data, data)), "both");
    });

    [TestCase("", "Parameter 'key-secret' is required for cipher")]
    [TestCase(",key-secret=nope", "No secret with id 'nope'")]
    [TestCase(",key-secret=wrong", "Invalid password, cannot unlock any keyslot")]
    [TestCase(",key-secret=binary", "Data from secret binary is not valid UTF-8")]
    [TestCase(",key-secret=group", "Object with id 'group' is not a secret")]
    [TestCase(",key-secret=sec0,foo=1", "Block format 'luks' does not support the option 'foo'")]
    public void An_image_that_cannot_be_opened_says_why(string options, string message) => Run(async () =>
    {
        await LuksImage.AddSecretAsync(_fixture.Graph, "wrong", "something else");
        await _fixture.Graph.ObjectTree.AddAsync("secret", "binary", new OptionsDictionary { { "data", "/w==" }, { "format", "base64" } });
        await _fixture.Graph.ObjectTree.AddAsync("throttle-group", "group", []);
        BlockException error = await Failure.OfAsync(() => _fixture.OpenAsync(Disk + options));
        Assert.That(error.Message, Is.EqualTo(message), "the text");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "nothing is left");
        Assert.That(Storage.OpenCount, Is.Zero, "and the file is closed");
    });

    [Test]
    public void Information_needs_no_passphrase_and_has_no_data() => Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Disk, new BackendOptions { ReadOnly = true, IsForInformation = true });
        ImageInformation information = (await backend.Root!.GetInformationAsync())!;
        Assert.That((information.IsEncrypted, information.IsDirty), Is.EqualTo(((bool, bool?))(true, false)), "what every image has");
        OptionsDictionary specific = information.Specific!;
        OptionsDictionary data = (OptionsDictionary)specific["data"];
        Assert.That(specific.GetText("type"), Is.EqualTo("luks"), "the type");
        Assert.That(
            data.Keys,
            Is.EqualTo(new[] { "ivgen-alg", "hash-alg", "cipher-alg", "uuid", "ivgen-hash-alg", "cipher-mode", "slots", "payload-offset", "master-key-iters" }),
            "in QEMU's order");
        Assert.That(((OptionsList)data["slots"]).Count, Is.EqualTo(8), "key slots");
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[512]))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "reading");
    });

    [Test]
    public void A_header_may_lie_elsewhere() => Run(async () =>
    {
        await new ImageCreation(_fixture.Graph, "luks", "memory:head").CreateAsync(Creation(("detached-header", true), ("size", 0L)));
        _fixture.Memory.Storage("data").Replace(new byte[LengthBytes + 100]);
        string options = $"driver=luks,key-secret={LuksImage.SecretId},file.driver=memory,file.filename=data,header.driver=memory,header.filename=head";
        await using (BlockBackend backend = await _fixture.OpenAsync(options))
        {
            Assert.That(backend.LengthBytes, Is.EqualTo(LengthBytes), "the data's whole sectors, from their file's first byte on");
            await backend.WriteAsync(0, new byte[512]);
        }

        Assert.That(_fixture.Memory.Storage("data").Bytes.AsSpan(0, 512).IndexOfAnyExcept((byte)0), Is.Not.Negative, "written to the data's file, encrypted");
        Assert.That((await Failure.OfAsync(() => _fixture.OpenAsync($"driver=luks,key-secret={LuksImage.SecretId},file.driver=memory,file.filename=head"))).Message,
            Is.EqualTo("LUKS payload is overlapping with the header"), "such a header has no data behind it");
    });

    [Test]
    public void QEMU_has_no_detached_headers()
    {
        using GraphFixture fixture = NewFixture(new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        fixture.Run(async () =>
        {
            await LuksImage.AddSecretAsync(fixture.Graph);
            BlockException error = await Failure.OfAsync(() => fixture.OpenAsync($"{Open},header.driver=memory,header.filename=head"));
            Assert.That(error.Message, Is.EqualTo("Block format 'luks' does not support the option 'header.driver'"), "the text");
        });
    }

    [Test]
    public void Data_beyond_the_end_of_the_file_are_refused() => Run(async () =>
    {
        Storage.Replace(s_image[..8192]);
        BlockException error = await Failure.OfAsync(() => _fixture.OpenAsync(Open));
        Assert.That(error.Message, Is.EqualTo("LUKS payload offset 528384 is behind the end of the file, which has 8192 bytes"), "field and value");
    });

    [Test]
    public void The_length_changes_in_whole_sectors_and_the_data_stay() => Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Open, new BackendOptions { CanResize = true });
        byte[] data = [.. Enumerable.Repeat((byte)5, 512)];
        await backend.WriteAsync(0, data);
        await backend.TruncateAsync(LengthBytes * 2);
        Assert.That(Storage.Bytes, Has.Length.EqualTo(s_image.Length + LengthBytes), "the file");
        await backend.TruncateAsync(1000);
        Assert.That(backend.LengthBytes, Is.EqualTo(1024), "rounded up");
        byte[] read = new byte[512];
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.EqualTo(data), "what was there");
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(BlockLimits.LengthBytesMax))).Kind, Is.EqualTo(BlockErrorKind.TooLarge), "longer than there may be");
    });

    [Test]
    public void Zeros_are_written_where_a_source_has_holes() => Run(async () =>
    {
        _fixture.Memory.Storage("source").Replace(new byte[LengthBytes]);
        await new ImageCreation(_fixture.Graph, "luks", "memory:disk").CreateAsync(Creation(("size", (long)LengthBytes)));
        await using BlockBackend source = await _fixture.OpenAsync("driver=raw,file.driver=memory,file.filename=source");
        await using BlockBackend target = await _fixture.OpenAsync(Open);
        await ImageConversion.RunAsync([source], target, new ImageConversionOptions { TargetIsNew = true });
        byte[] contents = new byte[LengthBytes];
        await target.ReadAsync(0, contents);
        Assert.That(contents, Is.All.Zero, "the copy");
    });

    [Test]
    public void No_message_or_list_has_the_passphrase() => Run(async () =>
    {
        await using BlockBackend backend = await _fixture.OpenAsync(Open);
        List<string> seen = [Picture(backend.Root!), .. _fixture.Graph.ObjectTree.Types.All.Select(type => type.Name)];
        foreach (ObjectTreeEntry property in await _fixture.Graph.ObjectTree.ListAsync($"/objects/{LuksImage.SecretId}"))
        {
            try
            {
                seen.Add((await _fixture.Graph.ObjectTree.GetPropertyAsync($"/objects/{LuksImage.SecretId}", property.Name)).AsText ?? "");
            }
            catch (BlockException error)
            {
                seen.Add(error.Message);
            }
        }

        Assert.That(seen, Has.None.Contains(LuksImage.Passphrase), "what a user can see");
        Assert.That(seen, Has.Some.EqualTo("Property 'secret.data' is not readable"), "what is in it is refused");
    });

    private static string Picture(BlockNode node) => $"{node.Name} {node.ShownFileName} {string.Join(' ', node.Options.Select(option => $"{option.Key}={option.Value.AsText}"))}";

    private static OptionsDictionary Creation(params (string Key, object Value)[] more)
    {
        OptionsDictionary options = new()
        {
            { "key-secret", LuksImage.SecretId }, { "iter-time", 0L }, { "cipher-alg", "aes-128" }, { "cipher-mode", "cbc" },
        };
        foreach ((string key, object value) in more)
        {
            options[key] = value is bool flag ? flag : (long)value;
        }

        return options;
    }

    private static GraphFixture NewFixture(NodeGraphOptions options)
    {
        GraphFixture fixture = new(drivers: [new LuksDriver(), new RawDriver()], graphOptions: options);
        fixture.Memory.Storage("disk").Replace([.. s_image]);
        return fixture;
    }

    private void Run(Func<Task> body) => _fixture.Run(async () =>
    {
        await LuksImage.AddSecretAsync(_fixture.Graph);
        await body();
    });
}
