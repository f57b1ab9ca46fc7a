using System.Text.RegularExpressions;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>Encrypted images, both ways with the installed programs: what the one makes the other reads; refusals have the same words; and no word is the passphrase.</summary>
[TestFixture]
public sealed partial class QemuImgLuksTests
{
    private const string Passphrase = "correct-horse-battery-staple-47";
    private const string Open = "driver=luks,file.filename=IMAGE,key-secret=s0";

    private static readonly string[] s_secrets =
    [
        "--object", $"secret,id=s0,data={Passphrase}", "--object", "secret,id=s1,data=second", "--object", "secret,id=wrong,data=no", "--object", "secret,id=binary,data=/w==,format=base64",
    ];

    private TemporaryFolder _folder = null!;

    // Made once: the program takes a second to find out how fast the machine is.
    private byte[]? _theirs;

    private string Image => Path.Combine(_folder.Path, "a.luks");

    [SetUp]
    public void MakeFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void What_ours_makes_theirs_reads_and_writes(
        [Values("", ",cipher-alg=aes-128", ",cipher-mode=cbc", ",cipher-mode=cbc,ivgen-alg=essiv", ",cipher-mode=cbc,cipher-alg=aes-128,ivgen-alg=plain", ",ivgen-alg=essiv", ",hash-alg=sha1", ",hash-alg=sha512", ",cipher-alg=aes-192")] string options,
        [Values] bool isOurs)
    {
        AssertDone(By(isOurs, "qemu-img", "create -q -f luks SECRETS -o " + $"key-secret=s0,iter-time=10{options} IMAGE 4M"));
        AssertDone(By(!isOurs, "qemu-io", "SECRETS --image-opts OPEN", "-c", "write -q -P 7 0 64k", "-c", "write -q -P 9 1M 12345", "-c", "write -q -P 1 4190208 4096"));
        AssertDone(By(isOurs, "qemu-io", "SECRETS --image-opts OPEN", "-c", "read -q -P 7 0 64k", "-c", "read -q -P 9 1M 12345", "-c", "write -q -P 3 3000 5"));
        AssertDone(By(!isOurs, "qemu-io", "SECRETS --image-opts OPEN", "-c", "read -q -P 7 0 3000", "-c", "read -q -P 3 3000 5", "-c", "read -q -P 1 4190208 4096"));
        Assert.That(Plain(By(true, "qemu-img", "info IMAGE").Out), Is.EqualTo(Plain(By(false, "qemu-img", "info IMAGE").Out)), "what a person is told");
        AssertDone(By(true, "qemu-img", "compare SECRETS --image-opts OPEN OPEN"));
    }

    [Test]
    public void Key_slots_that_one_changes_the_other_opens([Values] bool isOurs)
    {
        AssertDone(By(!isOurs, "qemu-img", "create -q -f luks SECRETS -o key-secret=s0,iter-time=10 IMAGE 1M"));
        AssertDone(By(isOurs, "qemu-img", "amend SECRETS -o state=active,new-secret=s1,iter-time=10 --image-opts OPEN"));
        AssertDone(By(!isOurs, "qemu-img", "amend SECRETS -o state=inactive,old-secret=s0 --image-opts OPEN"));
        AssertDone(By(isOurs, "qemu-io", "SECRETS --image-opts driver=luks,file.filename=IMAGE,key-secret=s1", "-c", "read -q 0 4096"));
        ToolRun refused = By(isOurs, "qemu-io", "SECRETS --image-opts OPEN", "-c", "read -q 0 4096");
        Assert.That(refused.Error, Does.EndWith("Invalid password, cannot unlock any keyslot\n"), "the erased one");
    }

    [Test]
    public void A_conversion_keeps_the_contents_zeros_too([Values] bool isOurs)
    {
        string source = Path.Combine(_folder.Path, "a.raw");
        byte[] contents = new byte[1 << 20];
        contents.AsSpan(300_000, 100_000).Fill(5);
        File.WriteAllBytes(source, contents);
        AssertDone(By(isOurs, "qemu-img", $"convert SECRETS -f raw -O luks -o key-secret=s0,iter-time=10 {source} IMAGE"));
        AssertDone(By(!isOurs, "qemu-img", $"convert SECRETS --image-opts OPEN -O raw {source}.2"));
        Assert.That(File.ReadAllBytes(source + ".2").AsSpan().SequenceEqual(contents), Is.True, "there and back");
    }

    // The image has one key slot, of s0. Where a change is refused it stays as it is.
    [TestCase("convert SECRETS -O raw --image-opts driver=luks,file.filename=IMAGE OUT")]
    [TestCase("convert SECRETS -O raw --image-opts driver=luks,file.filename=IMAGE,key-secret=nope OUT")]
    [TestCase("convert SECRETS -O raw --image-opts driver=luks,file.filename=IMAGE,key-secret=wrong OUT")]
    [TestCase("convert SECRETS -O raw --image-opts driver=luks,file.filename=IMAGE,key-secret=binary OUT")]
    [TestCase("convert SECRETS -O raw IMAGE OUT")]
    [TestCase("info --image-opts driver=luks,file.filename=IMAGE,foo=1")]
    [TestCase("check SECRETS --image-opts OPEN")]
    [TestCase("map --output=json SECRETS --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active --image-opts OPEN")]
    [TestCase("amend SECRETS -o new-secret=s1 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=foo,keyslot=1 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active,new-secret=s1,keyslot=0,iter-time=10 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active,new-secret=s1,keyslot=8,iter-time=10 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active,new-secret=nope --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active,new-secret=s1,old-secret=s0 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=active,new-secret=s1,iter-time=x --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,keyslot=0 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,keyslot=5 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,keyslot=8 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,old-secret=s0 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,old-secret=wrong --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,old-secret=wrong,keyslot=0 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,keyslot=0,new-secret=s1 --image-opts OPEN")]
    [TestCase("amend SECRETS -o state=inactive,keyslot=0,iter-time=1 --image-opts OPEN")]
    [TestCase("amend SECRETS -o foo=1 --image-opts OPEN")]
    [TestCase("amend SECRETS -f luks -o help")]
    [TestCase("create -f luks OUT 1M")]
    [TestCase("create -f luks -o key-secret=nope OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0 OUT")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,cipher-alg=foo OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,cipher-mode=foo OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,ivgen-alg=foo OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,ivgen-hash-alg=foo OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,hash-alg=foo OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,iter-time=abc OUT 1M")]
    [TestCase("create -f luks SECRETS -o key-secret=s0,iter-time=10 -b IMAGE -F luks OUT 1M")]
    [TestCase("measure -O luks SECRETS -o key-secret=s0 --size 10M")]
    [TestCase("measure -O luks SECRETS -o key-secret=s0,cipher-mode=cbc,cipher-alg=aes-128 --size 1024")]
    [TestCase("measure -O luks SECRETS --size 10M")]
    [TestCase("info --object secret,id=s IMAGE")]
    [TestCase("info --object secret,id=s,data=x,file=y IMAGE")]
    [TestCase("info --object secret,id=s,file=OUT IMAGE")]
    [TestCase("info --object secret,id=s,data=!!,format=base64 IMAGE")]
    [TestCase("info --object secret,id=s,data=x,format=foo IMAGE")]
    [TestCase("info --object secret,id=s,data=x,keyid=nope IMAGE")]
    [TestCase("info --object secret,id=k,data=x --object secret,id=s,data=x,keyid=k,iv=AAAAAAAAAAAAAAAAAAAAAA== IMAGE")]
    [TestCase("info --object secret,id=s,data=x,foo=1 IMAGE")]
    public void What_is_said_is_the_same(string line)
    {
        _theirs ??= MakeTheirs();
        byte[] before = _theirs;
        File.WriteAllBytes(Image, before);
        ToolRun theirs = By(false, "qemu-img", line);
        Assert.That(File.ReadAllBytes(Image).AsSpan().SequenceEqual(before), Is.True, "theirs leaves the image as it is");
        File.Delete(Path.Combine(_folder.Path, "out"));
        ToolRun ours = By(true, "qemu-img", line);
        Assert.That((ours.ExitCode, ours.Out, ours.Error), Is.EqualTo((theirs.ExitCode, theirs.Out, theirs.Error)), "exit code, output, errors");
        Assert.That(File.ReadAllBytes(Image).AsSpan().SequenceEqual(before), Is.True, "ours leaves the image as it is");
        Assert.That(ours.Out + ours.Error, Does.Not.Contain(Passphrase), "nor has either the passphrase");
    }

    private byte[] MakeTheirs()
    {
        AssertDone(By(false, "qemu-img", "create -q -f luks SECRETS -o key-secret=s0,iter-time=10 IMAGE 1M"));
        return File.ReadAllBytes(Image);
    }

    private static void AssertDone(ToolRun run)
    {
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Out);
        Assert.That(run.Out, Does.Not.Contain("Pattern verification failed"), "the data");
    }

    // The space that a file takes is the file system's affair.
    private static string Plain(string information) => DiskSize().Replace(information, "disk size: some");

    [GeneratedRegex("disk size: .*")]
    private static partial Regex DiskSize();

    private ToolRun By(bool isOurs, string program, string line, params string[] commands)
    {
        string[] arguments = [.. line.Split(' ').SelectMany(word => word == "SECRETS" ? s_secrets : [Expand(word)]), .. commands];
        return isOurs ? ToolRun.By(program, "", arguments) : InstalledProgram.Run(program, "", arguments);
    }

    private string Expand(string word) => word
        .Replace("OPEN", Open, StringComparison.Ordinal)
        .Replace("IMAGE", Image, StringComparison.Ordinal)
        .Replace("OUT", Path.Combine(_folder.Path, "out"), StringComparison.Ordinal);
}
