using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Qapi.Tests.Options;

/// <summary>Pins printing and its order of keys against output of qemu-img 7.2.22.</summary>
[TestFixture]
public sealed class JsonTextTests
{
    // Buckets computed from the formula apart from this code.
    [TestCase("", 57)]
    [TestCase("driver", 239)]
    [TestCase("filename", 313)]
    [TestCase("file", 463)]
    [TestCase("size", 318)]
    [TestCase("read-zeroes", 86)]
    [TestCase("node-name", 212)]
    [TestCase("virtual-size", 309)]
    [TestCase("format-specific", 354)]
    [TestCase("é", 100)]
    public void Bucket_follows_the_formula(string key, int expected) => Assert.That(QemuKeyOrder.BucketOf(key), Is.EqualTo(expected));

    // What `qemu-img info --output=json` prints on a qcow2 image, and two pseudo-filenames.
    [TestCase("virtual-size filename cluster-size format actual-size format-specific dirty-flag")]
    [TestCase("compat compression-type lazy-refcounts bitmaps refcount-bits corrupt extended-l2")]
    [TestCase("flags name granularity")]
    [TestCase("type data")]
    [TestCase("offset driver size file")]
    [TestCase("read-zeroes driver")]
    public void Keys_print_in_the_observed_order(string keys)
    {
        OptionsDictionary forwards = [];
        OptionsDictionary backwards = [];
        foreach (string key in keys.Split(' '))
        {
            forwards.Add(key, true);
        }

        foreach (string key in keys.Split(' ').Reverse())
        {
            backwards.Add(key, true);
        }

        Assert.That(QemuKeyOrder.Sort(forwards).Select(e => e.Key), Is.EqualTo(keys.Split(' ')));
        Assert.That(QemuKeyOrder.Sort(backwards).Select(e => e.Key), Is.EqualTo(keys.Split(' ')));
    }

    [Test]
    public void Within_a_bucket_the_later_key_comes_first()
    {
        Dictionary<int, string> seen = [];
        string first = "";
        string second = "";
        for (int i = 0; second.Length == 0; i++)
        {
            string key = "key" + i;
            if (!seen.TryAdd(QemuKeyOrder.BucketOf(key), key))
            {
                (first, second) = (seen[QemuKeyOrder.BucketOf(key)], key);
            }
        }

        OptionsDictionary dictionary = new() { { first, 1L }, { second, 2L } };
        dictionary[first] = 3L;

        Assert.That(JsonText.Print(dictionary), Is.EqualTo($"{{\"{second}\": 2, \"{first}\": 3}}"), "Replacing a value does not move its key.");
    }

    [Test]
    public void Pretty_print_indents_by_four_and_opens_empty_containers()
    {
        OptionsDictionary tree = JsonOptions.Parse("{'bitmaps':[{'flags':[],'name':'b0','granularity':65536},{'flags':['auto']}],'corrupt':false,'data':{}}");

        const string Expected = """
            {
                "bitmaps": [
                    {
                        "flags": [
                        ],
                        "name": "b0",
                        "granularity": 65536
                    },
                    {
                        "flags": [
                            "auto"
                        ]
                    }
                ],
                "corrupt": false,
                "data": {
                }
            }
            """;
        Assert.That(JsonText.Print(tree, true), Is.EqualTo(Expected.ReplaceLineEndings("\n")));
    }

    [Test]
    public void Text_prints_in_ascii()
    {
        OptionValue name = "q\"b\té😀\x7f\x01\\.raw";

        Assert.That(JsonText.Print(name), Is.EqualTo("\"q\\\"b\\t\\u00E9\\uD83D\\uDE00\\u007F\\u0001\\\\.raw\""));
        Assert.That(JsonText.Print("a" + '\uDE00' + '\uD83D'), Is.EqualTo("\"a\\uFFFD\\uFFFD\""), "Half a pair is no character.");
    }

    [Test]
    public void Pseudo_file_name_prints_as_observed()
    {
        OptionsDictionary options = JsonOptions.Parse("{'driver':'raw','offset':0,'size':512,'file':{'driver':'null-co','read-zeroes':true}}");

        string name = PseudoFileName.Format(options);

        Assert.That(name, Is.EqualTo("json:{\"offset\": 0, \"driver\": \"raw\", \"size\": 512, \"file\": {\"read-zeroes\": true, \"driver\": \"null-co\"}}"));
        Assert.That(PseudoFileName.Format(PseudoFileName.Parse(name)), Is.EqualTo(name));
    }

    [TestCase(4053, 4093, "1k\"}")]
    [TestCase(4055, 4095, "1k\"}")]
    [TestCase(4056, 4095, " ...")]
    [TestCase(4100, 4095, " ...")]
    public void Long_pseudo_file_name_ends_in_an_ellipsis(int spaces, int length, string end)
    {
        string name = PseudoFileName.Format(new OptionsDictionary { { "driver", "null-co" }, { "size", new string(' ', spaces) + "1k" } });

        Assert.That(name, Has.Length.EqualTo(length));
        Assert.That(name, Does.EndWith(end));
    }

    [Test]
    public void Name_without_the_prefix_is_no_pseudo_file_name()
    {
        Assert.That(PseudoFileName.IsPseudoFileName("json:"), Is.True);
        Assert.That(PseudoFileName.IsPseudoFileName("JSON:{}"), Is.False);
        Assert.That(() => JsonOptions.ParsePseudoFileName("a.img"), Throws.TypeOf<BlockException>().With.Message.EqualTo("File name 'a.img' does not begin with 'json:'"));
    }

    [Test]
    public void Hook_is_a_plain_function()
    {
        Func<string, OptionsDictionary> hook = JsonOptions.ParsePseudoFileName;

        Assert.That(hook("json:{'driver':'null-co','size':'1k'}").GetText("size"), Is.EqualTo("1k"));
    }
}
