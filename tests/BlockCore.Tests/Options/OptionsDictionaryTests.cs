using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using CsCheck;

namespace BlockGraph.BlockCore.Tests.Options;

/// <summary>Pins the tree, its flat form, and the way back; the texts were read off qemu-img 7.2.22 (<c>json:{"driver":"nbd","server.…"}</c>).</summary>
[TestFixture]
public sealed class OptionsDictionaryTests
{
    private static readonly Gen<OptionValue> Scalar = Gen.OneOf(
        Gen.String[Gen.Char["abc.,="], 0, 4].Select(OptionValue.FromString),
        Gen.Long.Select(OptionValue.FromInt64),
        Gen.Bool.Select(OptionValue.FromBoolean),
        Gen.Const((OptionValue)OptionNull.Instance));

    [Test]
    public void Flatten_joins_names_and_indices()
    {
        OptionsDictionary tree = new()
        {
            { "driver", "quorum" },
            { "children", new OptionsList { new OptionsDictionary { { "driver", "null-co" } }, "node" } },
            { "empty", new OptionsDictionary() },
            { "none", new OptionsList() },
        };

        OptionsDictionary flat = tree.Flatten();

        Assert.That(flat.Keys, Is.EqualTo(new[] { "driver", "children.0.driver", "children.1", "empty", "none" }));
        Assert.That(flat.GetText("children.0.driver"), Is.EqualTo("null-co"));
        Assert.That(flat["empty"], Is.TypeOf<OptionsDictionary>(), "Empty containers stay as values.");
        Assert.That(flat["none"], Is.TypeOf<OptionsList>());
    }

    [Test]
    public void Flatten_keeps_empty_names()
    {
        OptionsDictionary tree = new() { { "", "x" }, { "a", new OptionsDictionary { { "", "y" } } } };

        Assert.That(tree.Flatten().Keys, Is.EqualTo(new[] { "", "a." }));
    }

    [Test]
    public void Nested_and_dotted_spellings_mix_and_the_later_wins()
    {
        OptionsDictionary tree = new() { { "file.driver", "a" }, { "file", new OptionsDictionary { { "driver", "b" }, { "x", "c" } } } };

        OptionsDictionary flat = tree.Flatten();

        Assert.That(flat.Keys, Is.EqualTo(new[] { "file.driver", "file.x" }));
        Assert.That(flat.GetText("file.driver"), Is.EqualTo("b"));
    }

    [Test]
    public void Crumple_builds_dictionaries_and_lists()
    {
        OptionsDictionary flat = new() { { "a.1", "y" }, { "a.0.b", "x" }, { "c..d", "z" }, { "e.f.", "w" } };

        OptionsDictionary tree = (OptionsDictionary)flat.Crumple();

        OptionsList list = (OptionsList)tree["a"];
        Assert.That(((OptionsDictionary)list[0]).GetText("b"), Is.EqualTo("x"));
        Assert.That(list[1].AsText, Is.EqualTo("y"));
        Assert.That(tree.GetText("c.d"), Is.EqualTo("z"), "Two dots are one dot of a name.");
        Assert.That(((OptionsDictionary)((OptionsDictionary)tree["e"])["f"]).GetText(""), Is.EqualTo("w"));
    }

    [Test]
    public void Crumple_of_indices_is_a_list()
    {
        OptionsDictionary flat = new() { { "1", "b" }, { "0", "a" } };

        Assert.That(((OptionsList)flat.Crumple()).Select(i => i.AsText), Is.EqualTo(new[] { "a", "b" }));
    }

    [TestCase("0,x", "Cannot mix list and non-list keys")]
    [TestCase("a.0,a.x", "Cannot mix list and non-list keys")]
    [TestCase("type,type.x", "Cannot mix scalar and non-scalar keys")]
    [TestCase("type.x,type", "Cannot mix scalar and non-scalar keys")]
    [TestCase("1", "List indices are not contiguous, saw 1 elements but 1 largest index")]
    [TestCase("0,2", "List indices are not contiguous, saw 2 elements but 2 largest index")]
    [TestCase("-1", "List indices are not contiguous, saw 1 elements but -1 largest index")]
    [TestCase("+0", "Missing list index 0")]
    [TestCase("00", "Missing list index 0")]
    [TestCase(" 0", "Missing list index 0")]
    public void Crumple_refuses_keys_that_contradict_one_another(string keys, string message)
    {
        OptionsDictionary flat = [];
        foreach (string key in keys.Split(','))
        {
            flat.Add(key, "v");
        }

        Assert.That(flat.Crumple, Throws.TypeOf<BlockException>().With.Message.EqualTo(message));
    }

    [Test]
    public void Index_beyond_64_bits_is_a_name() =>
        Assert.That(new OptionsDictionary { { "99999999999999999999", "a" } }.Crumple(), Is.TypeOf<OptionsDictionary>());

    [Test]
    public void Crumple_refuses_containers()
    {
        Assert.That(new OptionsDictionary { { "a", new OptionsList() } }.Crumple, Throws.TypeOf<BlockException>().With.Message.EqualTo("Value a is not a scalar"));
        Assert.That(new OptionsDictionary { { "a.b", new OptionsDictionary() } }.Crumple, Throws.TypeOf<BlockException>().With.Message.EqualTo("Value a.b is not a scalar"));
    }

    [Test]
    public void Crumple_has_a_depth()
    {
        string deepest = string.Join('.', Enumerable.Repeat("a", 1025));

        Assert.That(new OptionsDictionary { { deepest, "v" } }.Crumple(), Is.TypeOf<OptionsDictionary>());
        Assert.That(new OptionsDictionary { { deepest + ".a", "v" } }.Crumple, Throws.TypeOf<BlockException>().With.Message.EqualTo("Keys are nested deeper than 1024 levels"));
    }

    [Test]
    public void Crumple_of_a_flattened_tree_is_the_tree() =>
        Trees(3).Sample(tree => Describe(((OptionsDictionary)tree).Flatten().Crumple()) == Describe(tree));

    [Test]
    public void Random_keys_never_throw_anything_else() => Gen.String[Gen.Char["ab.01+- "], 0, 8].HashSet[0, 6].Sample(keys =>
    {
        OptionsDictionary flat = [];
        foreach (string key in keys)
        {
            flat.Add(key, "v");
        }

        try
        {
            _ = flat.Crumple();
        }
        catch (BlockException)
        {
            // The only failure there may be.
        }
    });

    [Test]
    public void Extracting_a_subdictionary_moves_its_keys()
    {
        OptionsDictionary flat = new() { { "file.driver", "file" }, { "filename", "x" }, { "file.a.b", "y" } };

        OptionsDictionary part = flat.ExtractSubdictionary("file.");

        Assert.That(part.Keys, Is.EqualTo(new[] { "driver", "a.b" }));
        Assert.That(flat.Keys, Is.EqualTo(new[] { "filename" }));
    }

    [Test]
    public void Dictionary_keeps_the_order_given()
    {
        OptionsDictionary options = new() { { "b", "1" }, { "a", 2L } };
        OptionsDictionary copy = options.Clone();
        options["b"] = "3";
        options.SetDefault("a", "ignored");
        options.SetDefault("c", true);

        Assert.That(options.Keys, Is.EqualTo(new[] { "b", "a", "c" }));
        Assert.That(options.Select(e => e.Value.AsText), Is.EqualTo(new[] { "3", "2", "on" }));
        Assert.That(copy.GetText("b"), Is.EqualTo("1"), "A copy does not follow.");
        Assert.That(options.Remove("b"), Is.True);
        Assert.That(options.Take("b"), Is.Null);
        Assert.That(options.GetText("b"), Is.Null);
        Assert.That(new OptionsDictionary { { "n", OptionNull.Instance }, { "d", new OptionsDictionary() } }.GetText("n"), Is.Null);
        Assert.That(OptionBoolean.False.AsText, Is.EqualTo("off"));
        Assert.That(options.TryGetValue("a", out OptionValue? a) && a is OptionInteger { Value: var two } && two == 2, Is.True);
    }

    private static Gen<OptionValue> Trees(int depth)
    {
        Gen<OptionValue> item = depth == 0 ? Scalar : Gen.OneOf(Scalar, Deeper(depth));
        return Gen.Dictionary(Gen.String[Gen.Char.AlphaNumeric, 0, 4].Select(s => "k" + s), item)[1, 4].Select(entries =>
        {
            OptionsDictionary dictionary = [];
            foreach ((string key, OptionValue value) in entries)
            {
                dictionary.Add(key, value);
            }

            return (OptionValue)dictionary;
        });
    }

    private static Gen<OptionValue> Deeper(int depth) => Gen.OneOf(
        Trees(depth - 1),
        Gen.OneOf(Scalar, Trees(depth - 1)).Array[1, 3].Select(items =>
        {
            OptionsList list = [.. items];
            return (OptionValue)list;
        }));

    private static string Describe(OptionValue value) => value switch
    {
        OptionsDictionary dictionary => "{" + string.Join(",", dictionary.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => e.Key + ":" + Describe(e.Value))) + "}",
        OptionsList list => "[" + string.Join(",", list.Select(Describe)) + "]",
        _ => value.GetType().Name + value.AsText,
    };
}
