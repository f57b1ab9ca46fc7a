using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Qapi.Tests.Options;

/// <summary>Pins how a command tells the four forms of its OPTIONS argument apart.</summary>
[TestFixture]
public sealed class CommandOptionsTests
{
    [TestCase("{'driver':'null-co'}", "driver=null-co")]
    [TestCase("{'driver':'raw','file.driver':'null-co','file':{'size':'1k'}}", "driver=raw,file.driver=null-co,file.size=1k")]
    [TestCase("json:{'driver':'null-co'}", "driver=null-co")]
    [TestCase("driver=throttle,file.filename=x", "driver=throttle,file.filename=x")]
    [TestCase("foo.qcow2", "filename=foo.qcow2")]
    [TestCase("nbd://localhost/x", "filename=nbd://localhost/x")]
    [TestCase("a,b", "filename=a,,b")]
    [TestCase("", "filename=")]
    [TestCase(" {}", "filename= {}")]
    [TestCase("help", "filename=help")]
    public void Argument_is_read_by_its_look(string argument, string keyval) => Assert.That(KeyvalText.Print(CommandOptions.Read(argument)), Is.EqualTo(keyval));

    [TestCase("{", "JSON parse error, premature EOI")]
    [TestCase("{'a':1,'a':2}", "JSON parse error, duplicate key")]
    [TestCase("json:{", "Could not parse the JSON options: JSON parse error, premature EOI")]
    [TestCase("json:[]", "Invalid JSON object given")]
    [TestCase("driver=raw,help", "Help is not available for this option")]
    [TestCase("dir/a=b.img", "Invalid parameter 'dir/a'")]
    public void Malformed_argument_is_refused(string argument, string message) =>
        Assert.That(() => CommandOptions.Read(argument), Throws.TypeOf<BlockException>().With.Message.EqualTo(message));

    [Test]
    public void File_name_with_an_equals_sign_gets_advice()
    {
        BlockException failure = Assert.Throws<BlockException>(() => CommandOptions.Read("dir/a=b.img"));

        Assert.That(failure.Hint, Does.Contain("filename=NAME"));
        Assert.That(CommandOptions.Read("filename=dir/a=b.img").GetText("filename"), Is.EqualTo("dir/a=b.img"));
    }

    [Test]
    public void Object_argument_is_json_or_keyval()
    {
        OptionsDictionary json = CommandOptions.ReadKeyvalOrJson("{'qom-type':'secret','id':'a'}", "qom-type", out bool isHelpWantedInJson);
        OptionsDictionary keyval = CommandOptions.ReadKeyvalOrJson("secret,id=a,help", "qom-type", out bool isHelpWanted);

        Assert.That(KeyvalText.Print(json), Is.EqualTo("qom-type=secret,id=a"));
        Assert.That(KeyvalText.Print(keyval), Is.EqualTo("qom-type=secret,id=a"));
        Assert.That(isHelpWantedInJson, Is.False);
        Assert.That(isHelpWanted, Is.True);
    }
}
