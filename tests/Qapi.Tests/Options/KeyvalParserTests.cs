using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using CsCheck;

namespace BlockGraph.Qapi.Tests.Options;

/// <summary>Pins the grammar of <c>--blockdev</c> and <c>--object</c>; texts as qemu-img 7.2.22 has them (<c>--object …</c>).</summary>
[TestFixture]
public sealed class KeyvalParserTests
{
    [TestCase("", "{}")]
    [TestCase("a=1,b=2,,x,a=3", "{'a':'3','b':'2,x'}")]
    [TestCase("a.b.c=1,a.b.c=2,d=3", "{'a':{'b':{'c':'2'}},'d':'3'}")]
    [TestCase("x=y,", "{'x':'y'}")]
    [TestCase("x=,,id=bar", "{'x':',id=bar'}")]
    [TestCase("x=,,", "{'x':','}")]
    [TestCase("x=", "{'x':''}")]
    [TestCase("x=a=b", "{'x':'a=b'}")]
    [TestCase("id=foo,id=bar", "{'id':'bar'}")]
    [TestCase("list.0=a,list.2=c,list.1=b", "{'list':['a','b','c']}")]
    [TestCase("list.1=x,list.01=y,list.0=z", "{'list':['z','y']}")]
    [TestCase("a.00=1,a.0=2", "{'a':['2']}")]
    [TestCase("a.0.0=1,a.0.1=2,a.1.x=3", "{'a':[['1','2'],{'x':'3'}]}")]
    [TestCase("a.b_c-d=2,A=1", "{'a':{'b_c-d':'2'},'A':'1'}")]
    [TestCase("__com.x_foo=2", "{'__com.x_foo':'2'}")]
    [TestCase("a.__com.x_foo.0=2", "{'a':{'__com.x_foo':['2']}}")]
    [TestCase("__a_b=1,___b=2,a.__x_y=3,__a_b_=4", "{'__a_b':'1','___b':'2','a':{'__x_y':'3'},'__a_b_':'4'}")]
    [TestCase("a=1,help=2", "{'a':'1','help':'2'}")]
    [TestCase("help.x=1", "{'help':{'x':'1'}}")]
    public void Option_string_is_read(string text, string json) => AssertTree(KeyvalParser.Parse(text), json);

    [TestCase("an,aus=off", "{'implied':'an','aus':'off'}")]
    [TestCase("help.abc", "{'implied':'help.abc'}")]
    [TestCase("key.", "{'implied':'key.'}")]
    [TestCase(".", "{'implied':'.'}")]
    [TestCase("é", "{'implied':'é'}")]
    [TestCase("[1]", "{'implied':'[1]'}")]
    [TestCase("implied=x", "{'implied':'x'}")]
    [TestCase("a=b", "{'a':'b'}")]
    [TestCase("", "{}")]
    public void Bare_first_value_gets_the_implied_key(string text, string json) => AssertTree(KeyvalParser.Parse(text, "implied"), json);

    [TestCase("a.b=1,a=2", "Parameters 'a.*' used inconsistently")]
    [TestCase("a.b=1,a.b.c=2", "Parameters 'a.b.*' used inconsistently")]
    [TestCase("id=a,id.b=2", "Parameters 'id.*' used inconsistently")]
    [TestCase("list.0=a,list=b", "Parameters 'list.*' used inconsistently")]
    [TestCase("a.0.c=1,a.b.c=2", "Parameters 'a.*' used inconsistently")]
    [TestCase("x=1,x.y", "Parameters 'x.*' used inconsistently")]
    [TestCase("x=1,x.y.7up=2", "Parameters 'x.*' used inconsistently")]
    [TestCase("x=1,x.7up=2", "Invalid parameter 'x.7up'")]
    [TestCase("x.y=1,x", "Expected '=' after parameter 'x'")]
    [TestCase(",", "Invalid parameter ''")]
    [TestCase("=v", "Invalid parameter ''")]
    [TestCase("a=1,=", "Invalid parameter ''")]
    [TestCase("7up=v", "Invalid parameter '7up'")]
    [TestCase("7up", "Invalid parameter '7up'")]
    [TestCase("x.7up", "Invalid parameter 'x.7up'")]
    [TestCase("a[0]=1", "Invalid parameter 'a[0]'")]
    [TestCase("key.", "Invalid parameter 'key.'")]
    [TestCase("key.=1", "Invalid parameter 'key.'")]
    [TestCase(".", "Invalid parameter '.'")]
    [TestCase(".=1", "Invalid parameter '.'")]
    [TestCase("a..b=1", "Invalid parameter 'a..b'")]
    [TestCase("a.b.=3", "Invalid parameter 'a.b.'")]
    [TestCase("a.1b=2", "Invalid parameter 'a.1b'")]
    [TestCase("a.-1=1", "Invalid parameter 'a.-1'")]
    [TestCase("a.+1=1", "Invalid parameter 'a.+1'")]
    [TestCase("a. 1=1", "Invalid parameter 'a. 1'")]
    [TestCase(" a=1", "Invalid parameter ' a'")]
    [TestCase("a =1", "Invalid parameter 'a '")]
    [TestCase("é=1", "Invalid parameter 'é'")]
    [TestCase("_a=2", "Invalid parameter '_a'")]
    [TestCase("__=1", "Invalid parameter '__'")]
    [TestCase("__a=1", "Invalid parameter '__a'")]
    [TestCase("__a_=1", "Invalid parameter '__a_'")]
    [TestCase("__com.xfoo=2", "Invalid parameter '__com.xfoo'")]
    [TestCase("a=1,?=2", "Invalid parameter '?'")]
    [TestCase("k", "Expected '=' after parameter 'k'")]
    [TestCase("x.y,", "Expected '=' after parameter 'x.y'")]
    [TestCase("help.x", "Expected '=' after parameter 'help.x'")]
    [TestCase("list.1=x", "Parameter 'list.0' missing")]
    [TestCase("list.0=x,list.2=y", "Parameter 'list.1' missing")]
    [TestCase("a.0.0=1,a.0.1=2,a.1.1=3", "Parameter 'a.1.0' missing")]
    [TestCase("a.99999999999=2", "Parameter 'a.0' missing")]
    [TestCase("a.99999999999999999999999=2", "Parameter 'a.0' missing")]
    [TestCase("a.0=1,a.99999999999=2", "Parameter 'a.1' missing")]
    [TestCase("a.0=1,a.00=2,a.2=3", "Parameter 'a.1' missing")]
    [TestCase("0=1", "Invalid parameter '0'")]
    public void Malformed_option_string_is_refused(string text, string message) => AssertRefused(() => KeyvalParser.Parse(text), message);

    [TestCase("val,,ue", "Invalid parameter ''")]
    [TestCase(",help", "Invalid parameter ''")]
    [TestCase("=v", "Invalid parameter ''")]
    [TestCase("a,k", "Expected '=' after parameter 'k'")]
    [TestCase("help,,", "Invalid parameter ''")]
    public void Implied_value_has_no_escapes_and_comes_first(string text, string message) =>
        AssertRefused(() => KeyvalParser.Parse(text, "implied", out _), message);

    [Test]
    public void Fragments_have_a_length()
    {
        string fits = new('a', 127);
        string tooLong = new('a', 128);

        Assert.That(KeyvalParser.Parse(fits + "=1").GetText(fits), Is.EqualTo("1"));
        Assert.That(KeyvalParser.Parse("a." + fits + "=1").Flatten().Count, Is.EqualTo(1));
        AssertRefused(() => KeyvalParser.Parse(tooLong + "=1"), $"Parameter '{tooLong}' is too long");
        AssertRefused(() => KeyvalParser.Parse("a." + tooLong + "=1"), $"Parameter fragment '{tooLong}' is too long");
        AssertRefused(() => KeyvalParser.Parse(tooLong + ".a=1"), $"Parameter fragment '{tooLong}' is too long");
    }

    [Test]
    public void Keys_have_a_depth()
    {
        string deepest = string.Join('.', Enumerable.Repeat("a", KeyvalParser.MaximumNesting));

        Assert.That(KeyvalParser.Parse(deepest + "=1").Flatten().Keys, Is.EqualTo(new[] { deepest }));
        AssertRefused(() => KeyvalParser.Parse(deepest + ".a=1"), $"Parameter '{deepest}.a' has more than 1024 fragments");
    }

    [TestCase("help", true, "{}")]
    [TestCase("?", true, "{}")]
    [TestCase("help,", true, "{}")]
    [TestCase("help,id=x", true, "{'id':'x'}")]
    [TestCase("secret,help", true, "{'implied':'secret'}")]
    [TestCase("secret,?", true, "{'implied':'secret'}")]
    [TestCase("implied=secret,help", true, "{'implied':'secret'}")]
    [TestCase("secret,help=x", false, "{'implied':'secret','help':'x'}")]
    [TestCase("hel", false, "{'implied':'hel'}")]
    public void Help_is_noticed(string text, bool expected, string json)
    {
        OptionsDictionary tree = KeyvalParser.Parse(text, "implied", out bool isHelpWanted);

        Assert.That(isHelpWanted, Is.EqualTo(expected));
        AssertTree(tree, json);
    }

    [Test]
    public void Help_where_there_is_none_is_refused() => AssertRefused(() => KeyvalParser.Parse("help"), "Help is not available for this option");

    [TestCase("a=1,b=2", "b=3,c=4", "{'a':'1','b':'3','c':'4'}")]
    [TestCase("l.0=a", "l.0=b,l.1=c", "{'l':['a','b','c']}")]
    [TestCase("d.a=1,d.b.x=2", "d.b.y=3,d.a=4", "{'d':{'a':'4','b':{'x':'2','y':'3'}}}")]
    [TestCase("", "a=1", "{'a':'1'}")]
    public void Merging_joins_lists_and_dictionaries(string existing, string newcomer, string json) =>
        AssertTree(KeyvalParser.Merge(KeyvalParser.Parse(existing), KeyvalParser.Parse(newcomer)), json);

    [TestCase("a=1", "a.b=2", "Parameter 'a' used inconsistently")]
    [TestCase("a.b=1", "a=2", "Parameter 'a' used inconsistently")]
    [TestCase("a.0=1", "a.b=2", "Parameter 'a' used inconsistently")]
    [TestCase("x.l.0=1", "x.l=2", "Parameter 'x.l' used inconsistently")]
    [TestCase("x.l=1", "x.l.0=2", "Parameter 'x.l' used inconsistently")]
    public void Merging_two_kinds_is_refused_and_changes_nothing(string existing, string newcomer, string message)
    {
        OptionsDictionary first = KeyvalParser.Parse(existing);
        OptionsDictionary second = KeyvalParser.Parse("first=1," + newcomer);

        AssertRefused(() => KeyvalParser.Merge(first, second), message);
        Assert.That(KeyvalText.Print(first), Is.EqualTo(existing));
    }

    [Test]
    public void Printed_tree_reads_back() =>
        Gen.Select(Gen.String[Gen.Char["ab,.= é"], 0, 6], Gen.String[Gen.Char["cd"], 1, 3]).Array[0, 6].Sample(items =>
        {
            OptionsDictionary flat = [];
            foreach ((string value, string name) in items)
            {
                flat["x-" + name + ".0." + name] = value;
            }

            return JsonText.Print(KeyvalParser.Parse(KeyvalText.Print(flat)).Flatten()) == JsonText.Print(flat);
        });

    [Test]
    public void Value_without_text_cannot_be_printed() =>
        AssertRefused(() => KeyvalText.Print(new OptionsDictionary { { "backing", OptionNull.Instance } }), "Parameter 'backing' has no value that an option string could hold");

    [Test]
    public void Random_text_never_throws_anything_else() =>
        Gen.String[Gen.OneOf(Gen.Char["ab01.,=_-help?"], Gen.Char), 0, 40].Sample(text =>
        {
            try
            {
                KeyvalParser.Parse(text, "implied", out _);
            }
            catch (BlockException)
            {
                // The only failure there may be.
            }
        });

    private static void AssertTree(OptionsDictionary tree, string json) => Assert.That(JsonText.Print(tree), Is.EqualTo(JsonText.Print(JsonOptions.Parse(json))));

    private static void AssertRefused(Action parse, string message) => Assert.That(parse, Throws.TypeOf<BlockException>().With.Message.EqualTo(message));
}
