using System.Security.Cryptography;
using System.Text;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.ObjectModel;

/// <summary>Secrets: how they are given, and that nobody sees them. The texts are those of QEMU 7.2.</summary>
[TestFixture]
public sealed class SecretTypeTests
{
    private static readonly byte[] s_key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly byte[] s_iv = [.. Enumerable.Range(100, 16).Select(i => (byte)i)];

    private GraphFixture _fixture = null!;
    private string _folder = null!;

    private NodeGraph Graph => _fixture.Graph;

    [SetUp]
    public void SetUp()
    {
        _fixture = new GraphFixture(graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        _folder = Directory.CreateTempSubdirectory("blockgraph-secret-").FullName;
    }

    [TearDown]
    public void TearDown()
    {
        _fixture.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase("secret,id=s,data=hunter2", "hunter2")]
    [TestCase("secret,id=s,data=häß", "häß")]
    [TestCase("secret,id=s,data=", "")]
    [TestCase("secret,id=s,data=aHVudGVyMg==,format=base64", "hunter2")]
    [TestCase("secret,id=s,data=a,,b", "a,b")]
    [TestCase("""{"qom-type":"secret","id":"s","data":"hunter2"}""", "hunter2")]
    public void A_secret_is_given_as_text_or_in_base64(string options, string expected) => _fixture.Run(async () =>
    {
        await AddAsync(options);
        Assert.That(TextOf("s"), Is.EqualTo(expected), "what is in it");
    });

    [Test]
    public void A_file_counts_with_all_its_bytes() => _fixture.Run(async () =>
    {
        await AddAsync($"secret,id=s,file={MakeFile("hunter2\n"u8.ToArray())}");
        Assert.That(TextOf("s"), Is.EqualTo("hunter2\n"), "the end of the line too");
        await AddAsync($"secret,id=b,format=base64,file={MakeFile("aHVu\ndGVyMg==\n"u8.ToArray())}");
        Assert.That(TextOf("b"), Is.EqualTo("hunter2"), "which base64 does not mind");
    });

    [Test]
    public void A_secret_may_be_encrypted_with_another([Values("", "a", "sixteen bytes 16", "more than sixteen bytes")] string text) => _fixture.Run(async () =>
    {
        using Aes aes = Aes.Create();
        aes.Key = s_key;
        string encrypted = Convert.ToBase64String(aes.EncryptCbc(Encoding.UTF8.GetBytes(text), s_iv));
        await AddAsync($"secret,id=k,format=base64,data={Convert.ToBase64String(s_key)}");
        await AddAsync($"secret,id=s,format=base64,keyid=k,iv={Convert.ToBase64String(s_iv)},data={encrypted}");
        Assert.That(TextOf("s"), Is.EqualTo(text), "what is in it");
    });

    [TestCase("secret,id=s", "Either 'file' or 'data' must be provided")]
    [TestCase("secret,id=s,data=x,file=y", "'file' and 'data' are mutually exclusive")]
    [TestCase("secret,id=s,file=", "Unable to read : Failed to open file “”: No such file or directory")]
    [TestCase("secret,id=s,file=/nowhere/at/all", "Unable to read /nowhere/at/all: Failed to open file “/nowhere/at/all”: No such file or directory")]
    [TestCase("secret,id=s,file=/", "Unable to read /: Error reading file “/”: Is a directory")]
    [TestCase("secret,id=s,data=SECRET!!,format=base64", "Base64 data contains invalid characters")]
    [TestCase("secret,id=s,data=SECRE,format=base64", "Base64 data is not valid")]
    [TestCase("secret,id=s,data=SECRET,format=foo", "Parameter 'format' does not accept value 'foo'")]
    [TestCase("secret,id=s,data=SECRET,keyid=nope", "No secret with id 'nope'")]
    [TestCase("secret,id=s,data=SECRET,keyid=k", "IV is required to decrypt secret")]
    [TestCase("secret,id=s,data=SECRET,keyid=k,iv=AAAA", "IV should be 16 bytes in length not 3")]
    [TestCase("secret,id=s,data=SECRET,keyid=k,iv=!!", "Base64 data contains invalid characters")]
    [TestCase("secret,id=s,data=SECRET,keyid=short,iv=AAAAAAAAAAAAAAAAAAAAAA==", "Key should be 32 bytes in length")]
    [TestCase("secret,id=s,data=SECRET,keyid=k,iv=AAAAAAAAAAAAAAAAAAAAAA==", "Length 6 must be a multiple of block size 16")]
    [TestCase("secret,id=s,data=SECRETSECRETSECR,keyid=k,iv=AAAAAAAAAAAAAAAAAAAAAA==", null)]
    [TestCase("secret,id=s,data=SECRET,foo=1", "Parameter 'foo' is unexpected")]
    [TestCase("""{"qom-type":"secret","id":"s","data":5}""", "Invalid parameter type for 'data', expected: string")]
    public void What_is_no_secret_is_refused_without_its_data(string options, string? message) => _fixture.Run(async () =>
    {
        await AddAsync($"secret,id=k,format=base64,data={Convert.ToBase64String(s_key)}");
        await AddAsync("secret,id=short,data=x");
        BlockException error = await Failure.OfAsync(() => AddAsync(options));
        Assert.That(error.Message, message is null ? Does.Match("^Incorrect number of padding bytes \\([0-9]+\\) found on decrypted data$") : Is.EqualTo(message), "the text");
        Assert.That(error.ToString(), Does.Not.Contain("SECRE"), "nor does anything else have it");
        Assert.That(Graph.Objects.All.Select(entry => entry.Key), Is.EqualTo(new[] { "k", "short" }), "no object");
    });

    [Test]
    public void What_is_in_a_secret_can_be_neither_read_nor_set() => _fixture.Run(async () =>
    {
        await AddAsync("secret,id=s,data=hunter2");
        IReadOnlyList<ObjectTreeEntry> properties = await Graph.ObjectTree.ListAsync("/objects/s");
        Assert.That(properties.Select(property => property.Name), Is.EqualTo(new[] { "type", "data", "file", "format", "keyid", "iv" }), "its properties");
        Assert.That((await Graph.ObjectTree.GetPropertyAsync("s", "format")).AsText, Is.EqualTo("raw"), "one that may be read");
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.GetPropertyAsync("s", "data"))).Message, Is.EqualTo("Property 'secret.data' is not readable"), "QEMU gives it to anybody");
        Assert.That((await Failure.OfAsync(() => Graph.ObjectTree.SetPropertyAsync("s", "data", new OptionText("x")))).Message, Is.EqualTo("Property 'secret.data' is not writable"), "nor set");
    });

    [Test]
    public void A_secret_that_is_deleted_is_wiped_and_copies_are_not() => _fixture.Run(async () =>
    {
        SecretObject secret = (SecretObject)await Graph.ObjectTree.AddAsync("secret", "s", new OptionsDictionary { { "data", "hunter2" } });
        using KeyMaterial copy = SecretObject.CopyOf(Graph, "s");
        Assert.That(secret.IsInUse, Is.False, "whoever needs it has a copy");
        await Graph.ObjectTree.DeleteAsync("s");
        Assert.That(Encoding.UTF8.GetString(copy.Span), Is.EqualTo("hunter2"), "the copy");
        Assert.That((await Failure.OfAsync(() => Task.FromResult(SecretObject.CopyOf(Graph, "s")))).Message, Is.EqualTo("No secret with id 's'"), "the secret");
    });

    [TestCase("/w==")]
    [TestCase("YQBi")]
    public void A_passphrase_is_a_text(string data) => _fixture.Run(async () =>
    {
        await AddAsync($"secret,id=s,format=base64,data={data}");
        SecretObject.CopyOf(Graph, "s").Dispose();
        BlockException error = await Failure.OfAsync(() => Task.FromResult(SecretObject.CopyOfText(Graph, "s")));
        Assert.That(error.Message, Is.EqualTo("Data from secret s is not valid UTF-8"), "the text");
    });

    [Test]
    public void A_file_that_is_too_long_is_refused() => _fixture.Run(async () =>
    {
        string path = MakeFile(new byte[(1 << 20) + 1]);
        Assert.That((await Failure.OfAsync(() => AddAsync($"secret,id=s,file={path}"))).Message, Is.EqualTo($"Unable to read {path}: it is longer than 1048576 bytes"), "the text");
    });

    private Task<IUserObject> AddAsync(string options) => Graph.ObjectTree.AddAsync(CommandOptions.ReadKeyvalOrJson(options, "qom-type", out _));

    private string TextOf(string id)
    {
        using KeyMaterial copy = SecretObject.CopyOfText(Graph, id);
        return Encoding.UTF8.GetString(copy.Span);
    }

    private string MakeFile(byte[] contents)
    {
        string path = Path.Combine(_folder, $"{Directory.GetFiles(_folder).Length}.txt");
        File.WriteAllBytes(path, contents);
        return path;
    }
}
