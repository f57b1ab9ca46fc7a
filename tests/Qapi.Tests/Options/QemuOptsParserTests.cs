using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using CsCheck;

namespace BlockGraph.Qapi.Tests.Options;

/// <summary>Pins the flat grammar; as qemu-img 7.2.22 reads <c>--image-opts</c> (implied key <c>file</c>) and <c>-o</c>.</summary>
[TestFixture]
public sealed class QemuOptsParserTests
{
    [TestCase("", "")]
    [TestCase("a=1,b=2", "a=1;b=2")]
    [TestCase("a=1,", "a=1")]
    [TestCase("a=1,,", "a=1,")]
    [TestCase("a=b,,x", "a=b,x")]
    [TestCase("a=1,,=2", "a=1,=2")]
    [TestCase("=v", "=v")]
    [TestCase("a=1,=", "a=1;=")]
    [TestCase("a.b=1,a=2", "a.b=1;a=2")]
    [TestCase(" a =1 ", " a =1 ")]
    [TestCase("size=1M,size=2M", "size=1M;size=2M")]
    [TestCase("a=b=c", "a=b=c")]
    public void Items_are_kept_in_order(string text, string expected) => Assert.That(Describe(QemuOptsParser.Parse(text)), Is.EqualTo(expected));

    [TestCase("x", "file=x")]
    [TestCase("a,,b", "file=a,b")]
    [TestCase("a,,b=c,d=e", "file=a,b=c;d=e")]
    [TestCase(",", "file=")]
    [TestCase(",driver=x", "file=;driver=x")]
    [TestCase("id,driver=x", "file=id;driver=x")]
    [TestCase("driver=x", "driver=x")]
    [TestCase("=v", "=v")]
    public void Bare_first_value_gets_the_implied_key_escapes_included(string text, string expected) =>
        Assert.That(Describe(QemuOptsParser.Parse(text, "file")), Is.EqualTo(expected));

    [TestCase("foo", "foo=on", "short-form boolean option 'foo' deprecated", "Please use foo=on instead")]
    [TestCase("nofoo", "foo=off", "short-form boolean option 'nofoo' deprecated", "Please use foo=off instead")]
    [TestCase("no", "=off", "short-form boolean option 'no' deprecated", "Please use =off instead")]
    [TestCase("not", "t=off", "short-form boolean option 'not' deprecated", "Please use t=off instead")]
    [TestCase("delay", "delay=on", "short-form boolean option 'delay' deprecated", "Please use nodelay=off instead")]
    [TestCase("nodelay", "delay=off", "short-form boolean option 'nodelay' deprecated", "Please use nodelay=on instead")]
    [TestCase("N", "N=on", "short-form boolean option 'N' deprecated", "Please use N=on instead")]
    public void Bare_flag_is_on_or_off_with_a_warning(string text, string expected, string message, string hint)
    {
        List<OptionWarning> warnings = [];

        QemuOptions options = QemuOptsParser.Parse("a=1," + text, null, warnings.Add);

        Assert.That(Describe(options), Is.EqualTo("a=1;" + expected));
        Assert.That(warnings, Is.EqualTo(new[] { new OptionWarning(message, hint) }));
    }

    [Test]
    public void Comma_always_ends_a_name()
    {
        List<OptionWarning> warnings = [];

        QemuOptions options = QemuOptsParser.Parse("driver=x,a,,b=1", null, warnings.Add);

        Assert.That(Describe(options), Is.EqualTo("driver=x;a=on;=on;b=1"));
        Assert.That(warnings.Select(w => w.Hint), Is.EqualTo(new[] { "Please use a=on instead", "Please use =on instead" }));
    }

    [TestCase("driver=x,help", true, "driver=x;help=on")]
    [TestCase("driver=x,?", true, "driver=x;?=on")]
    [TestCase("help", true, "file=help")]
    [TestCase("driver=x,help=1", false, "driver=x;help=1")]
    public void Help_is_noticed_without_a_warning(string text, bool expected, string entries)
    {
        List<OptionWarning> warnings = [];

        QemuOptions options = QemuOptsParser.Parse(text, "file", warnings.Add);

        Assert.That(options.IsHelpWanted, Is.EqualTo(expected));
        Assert.That(Describe(options), Is.EqualTo(entries));
        Assert.That(warnings, Is.Empty);
    }

    [TestCase("driver=x,id=a,id=1", "a")]
    [TestCase("id=a.b-c_d,driver=x", "a.b-c_d")]
    [TestCase("driver=x,id", "on")]
    [TestCase("driver=x,noid", "off")]
    [TestCase("driver=x,idx=3", null)]
    public void First_id_names_the_set(string text, string? expected)
    {
        QemuOptions options = QemuOptsParser.Parse(text);

        Assert.That(options.Id, Is.EqualTo(expected));
        Assert.That(options.ToDictionary().GetText("id"), Is.EqualTo(expected));
        Assert.That(options.Find("id"), Is.Null, "The id is no entry.");
    }

    [TestCase("driver=x,id=1a")]
    [TestCase("driver=x,foo,id=")]
    [TestCase("id=é")]
    [TestCase("id=aé")]
    [TestCase("id=a,,b")]
    public void Malformed_id_is_refused_before_any_warning(string text)
    {
        BlockException failure = Assert.Throws<BlockException>(() => QemuOptsParser.Parse(text, null, _ => Assert.Fail("warned")));

        Assert.That(failure.Message, Is.EqualTo("Parameter 'id' expects an identifier"));
        Assert.That(failure.Hint, Is.EqualTo("Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."));
    }

    [Test]
    public void Lookup_returns_the_last_and_the_list_keeps_all()
    {
        QemuOptions options = QemuOptsParser.Parse("a=1,b=2,a=3");

        Assert.That(options.Find("a"), Is.EqualTo("3"));
        Assert.That(options.Find("c"), Is.Null);
        Assert.That(options.FindAll("a"), Is.EqualTo(new[] { "1", "3" }));
        Assert.That(options.ToDictionary().Select(e => e.Key + e.Value.AsText), Is.EqualTo(new[] { "a3", "b2" }));
    }

    [Test]
    public void Ids_are_unique_in_their_registry()
    {
        QemuOptionsRegistry drives = new("drive", "file");
        QemuOptions first = drives.Add("x,id=x");
        drives.Add("y");
        drives.Add("z");

        BlockException failure = Assert.Throws<BlockException>(() => drives.Add("y,id=x"));

        Assert.That(failure.Message, Is.EqualTo("Duplicate ID 'x' for drive"));
        Assert.That(failure.Kind, Is.EqualTo(BlockErrorKind.AlreadyExists));
        Assert.That(drives.Sets, Has.Count.EqualTo(3), "The refused set is not kept.");
        Assert.That(drives.Find("x"), Is.SameAs(first));
        Assert.That(drives.Find("q"), Is.Null);
    }

    [TestCase("size=1M,lazy_refcounts,compat=bogus,refcount_bits=0x10", null)]
    [TestCase("size=1M,nolazy_refcounts", null)]
    [TestCase("size=1M,foo=1", "Invalid parameter 'foo'")]
    [TestCase("size=1M,=3", "Invalid parameter ''")]
    [TestCase("size=1x,size=1M", "Parameter 'size' expects a non-negative number below 2^64")]
    [TestCase("size=16E", "Value '16E' is out of range for parameter 'size'")]
    [TestCase("refcount_bits=abc", "Parameter 'refcount_bits' expects a number")]
    [TestCase("refcount_bits=99999999999999999999", "Value '99999999999999999999' is too large for parameter 'refcount_bits'")]
    [TestCase("lazy_refcounts=ON", "Parameter 'lazy_refcounts' expects 'on' or 'off'")]
    public void Schema_checks_names_and_types(string text, string? message)
    {
        OptionSchema schema = new(
            new OptionDefinition("size", OptionType.Size, "Bytes."),
            new OptionDefinition("refcount_bits", OptionType.Integer, "Bits."),
            new OptionDefinition("lazy_refcounts", OptionType.Boolean, "A flag."),
            new OptionDefinition("compat", OptionType.Enum, "A version."));

        Action validate = () => QemuOptsParser.Parse(text).Validate(schema);

        Assert.That(validate, message is null ? Throws.Nothing : Throws.TypeOf<BlockException>().With.Message.EqualTo(message));
    }

    [Test]
    public void Random_text_never_throws_anything_else() =>
        Gen.String[Gen.OneOf(Gen.Char["ab,=.nohelpid1"], Gen.Char), 0, 40].Sample(text =>
        {
            try
            {
                QemuOptsParser.Parse(text, "file", _ => { });
            }
            catch (BlockException)
            {
                // The only failure there may be.
            }
        });

    [Test]
    public void Escaped_values_read_back() => Gen.String[Gen.Char["a,="], 0, 8].Array[1, 4].Sample(values =>
    {
        string text = string.Join(',', values.Select(v => "k=" + v.Replace(",", ",,", StringComparison.Ordinal)));
        return QemuOptsParser.Parse(text).FindAll("k").SequenceEqual(values);
    });

    private static string Describe(QemuOptions options) => string.Join(';', options.Entries.Select(e => e.Key + "=" + e.Value));
}
