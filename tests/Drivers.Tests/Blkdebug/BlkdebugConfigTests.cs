using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Config files: their grammar, and in which words they are refused.</summary>
[TestFixture]
public sealed class BlkdebugConfigTests : BlkdebugFixture
{
    [TestCase("", 0, 0)]
    [TestCase("\n\n# nothing\n", 0, 0)]
    [TestCase("[inject-error]\nevent = \"none\"\n", 1, 0)]
    [TestCase("[inject-error]\r\n   event   =   \"none\"   \r\n", 1, 0, Description = "blanks, and ends of lines of another system")]
    [TestCase("[inject-error \"a\"]\nevent = \"none\"\n[inject-error \"b\"]\nevent = \"none\"\n[set-state \"a\"]\nevent = \"none\"\nnew_state = \"2\"", 2, 1, Description = "named sections")]
    [TestCase("[inject-error] and so on\nevent = \"none\" and so on", 1, 0, Description = "what follows is not read, as in QEMU")]
    [TestCase("[inject-error]\nevent=\"l2_load\"\nerrno=\"28\"", 1, 0, Description = "without blanks")]
    [TestCase("[inject-error]\nevent = \"none\"\nevent = \"l2_load\"", 1, 0, Description = "the last counts")]
    public void Sections_become_rules(string text, int injectErrorCount, int setStateCount)
    {
        List<InjectErrorRule> injectErrors = [];
        List<SetStateRule> setStates = [];
        BlkdebugConfigFile.Parse(text, "cfg", injectErrors, setStates);
        Assert.That((injectErrors.Count, setStates.Count), Is.EqualTo((injectErrorCount, setStateCount)), "how many of each");
    }

    [TestCase("event = \"none\"", "no group defined", "line 1 of blkdebug config file 'cfg'")]
    [TestCase("\n[foo]\nevent = \"none\"", "There is no option group 'foo'", "line 2 of blkdebug config file 'cfg'")]
    [TestCase("[INJECT-ERROR]\nevent = \"none\"", "There is no option group 'INJECT-ERROR'", "line 1 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]\nevent = \"none\"\nfoo = \"2\"", "Invalid parameter 'foo'", "line 3 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]\nnonsense", "Invalid parameter 'nonsense'", "line 2 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error \"abc\"]\nevent = \"none\"\n[inject-error \"abc\"]\nevent = \"none\"", "Duplicate ID 'abc' for inject-error", "line 3 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]", "Parameter 'event' is missing", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    [TestCase("# rules\n[inject-error]\nevent = \"foo\"", "Parameter 'event' does not accept value 'foo'", "in the section that begins in line 2 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]\nevent = none", "Parameter 'event' does not accept value ''", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]\nevent = \"none\"\nerrno = \"EIO\"", "Parameter 'errno' expects a number", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    [TestCase("[inject-error]\nevent = \"none\"\nerrno = \"-5\"", "errno value must be in the range [0, 4095]", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    [TestCase("[set-state]\nevent = \"none\"", "Parameter 'new_state' is missing", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    [TestCase("[set-state]\nevent = \"none\"\nnew_state = \"x\"\n[inject-error]", "Parameter 'new_state' expects a number", "in the section that begins in line 1 of blkdebug config file 'cfg'")]
    public void What_is_malformed_is_named_with_its_place(string text, string message, string hint)
    {
        BlockException refusal = Assert.Throws<BlockException>(() => BlkdebugConfigFile.Parse(text, "cfg", [], []))!;
        Assert.That((refusal.Message, refusal.Hint), Is.EqualTo((message, hint)), "the text and the place");
    }

    [Test]
    public void A_file_is_read_and_its_rules_come_before_those_of_the_options() => Fixture.Run(async () =>
    {
        string path = MakeFile("rules", "[inject-error]\nevent = \"none\"\nerrno = \"28\"\niotype = \"read\"\nonce = \"on\"\n");
        await using BlockBackend backend = await OpenAsync($"config={path},inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.once=on");
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the file's");
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the options'");
        await backend.ReadAsync(0, new byte[1]);
    });

    [TestCase("missing", "Could not read blkdebug config file: No such file or directory")]
    [TestCase(".", "Could not read blkdebug config file: Not a regular file")]
    [TestCase("bad", "There is no option group 'foo'")]
    [TestCase("long", "has 1048577 bytes: the largest has 1048576")]
    public void A_file_that_cannot_be_read_is_refused_and_nothing_is_left(string name, string text) => Fixture.Run(async () =>
    {
        MakeFile("bad", "[foo]");
        MakeFile("long", new string('\n', BlkdebugConfigFile.LengthBytesMax + 1));
        BlockException refusal = await Failure.OfAsync(() => OpenAsync($"config={PathOf(name)}"));
        Assert.That(refusal.Message, Does.EndWith(text), "the text");
        Assert.That(Graph.Nodes, Is.Empty, "no node is left");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the storage is closed");
    });
}
