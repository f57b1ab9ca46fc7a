using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using CsCheck;

namespace BlockGraph.Qapi.Tests.Scenarios;

/// <summary>Scenarios 19 to 21: option strings, sizes, and the two shapes of a dictionary. The fixtures of each parser go into detail.</summary>
[TestFixture]
[Category("Scenario")]
public sealed class OptionScenarioTests
{
    [TestCase("", null, "{}")]
    [TestCase("a=1,b=2,,x,a=3", null, "{\"a\": \"3\", \"b\": \"2,x\"}")]
    [TestCase("a.b.c=1,a.b.c=2,d=3", null, "{\"a\": {\"b\": {\"c\": \"2\"}}, \"d\": \"3\"}")]
    [TestCase("x=y,", null, "{\"x\": \"y\"}")]
    [TestCase("x=,,id=bar", null, "{\"x\": \",id=bar\"}")]
    [TestCase("list.0=a,list.2=c,list.1=b", null, "{\"list\": [\"a\", \"b\", \"c\"]}")]
    [TestCase("list.1=x,list.01=y,list.0=z", null, "{\"list\": [\"z\", \"y\"]}")]
    [TestCase("an,aus=off", "implied", "{\"implied\": \"an\", \"aus\": \"off\"}")]
    [TestCase("help.abc", "implied", "{\"implied\": \"help.abc\"}")]
    [TestCase("id=foo,id=bar", null, "{\"id\": \"bar\"}")]
    public void S19_A_keyval_string_is_read(string text, string? impliedKey, string json) =>
        Assert.That(JsonText.Print(KeyvalParser.Parse(text, impliedKey)), Is.EqualTo(JsonText.Print(JsonOptions.Parse(json))), text);

    [TestCase("a.b=1,a=2", null, "Parameters 'a.*' used inconsistently")]
    [TestCase("a.b=1,a.b.c=2", null, "Parameters 'a.b.*' used inconsistently")]
    [TestCase(",", null, "Invalid parameter ''")]
    [TestCase("=v", null, "Invalid parameter ''")]
    [TestCase("7up=v", null, "Invalid parameter '7up'")]
    [TestCase("a[0]=1", null, "Invalid parameter 'a[0]'")]
    [TestCase("key.", null, "Invalid parameter 'key.'")]
    [TestCase(".", null, "Invalid parameter '.'")]
    [TestCase("k", null, "Expected '=' after parameter 'k'")]
    [TestCase("list.1=x", null, "Parameter 'list.0' missing")]
    [TestCase("a.0.c=1,a.b.c=2", null, "Parameters 'a.*' used inconsistently")]
    [TestCase("val,,ue", "implied", "Invalid parameter ''")]
    public void S19_A_malformed_keyval_string_is_refused(string text, string? impliedKey, string message) =>
        Assert.That(() => KeyvalParser.Parse(text, impliedKey), Throws.TypeOf<BlockException>().With.Message.EqualTo(message), text);

    [Test]
    public void S19_A_key_or_fragment_of_128_characters_is_too_long()
    {
        string name = new('a', 128);
        Assert.That(() => KeyvalParser.Parse($"{name}=1"), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Parameter '{name}' is too long"), "a key");
        Assert.That(KeyvalParser.Parse($"{name[1..]}=1"), Has.Count.EqualTo(1), "127 are not");
        Assert.That(() => KeyvalParser.Parse($"b.{name}=1"), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Parameter fragment '{name}' is too long"), "a fragment");
        Assert.That(() => KeyvalParser.Parse("0=1"), Throws.TypeOf<BlockException>().With.Message.EqualTo("Invalid parameter '0'"), "the root is no list");
    }

    [TestCase("1.5k", 1536)]
    [TestCase("0.1k", 102)]
    [TestCase("1.k", 1024)]
    [TestCase("07", 7)]
    [TestCase(" 1", 1)]
    [TestCase("0x10", 16)]
    [TestCase("1E", 1L << 60)]
    [TestCase("1b", 1)]
    [TestCase("1B", 1)]
    [TestCase("1K", 1L << 10)]
    [TestCase("1m", 1L << 20)]
    [TestCase("1M", 1L << 20)]
    [TestCase("1g", 1L << 30)]
    [TestCase("1G", 1L << 30)]
    [TestCase("1t", 1L << 40)]
    [TestCase("1T", 1L << 40)]
    [TestCase("1p", 1L << 50)]
    [TestCase("1P", 1L << 50)]
    [TestCase("1e", 1L << 60)]
    [TestCase("0x10k", 16L << 10)]
    [TestCase("0.00048828125k", 1)]
    [TestCase("0.00048828k", 0)]
    [TestCase("9223372036854775807", long.MaxValue)]
    public void S20_A_size_is_read(string text, long bytes) => Assert.That(SizeText.Parse("size", text), Is.EqualTo(bytes), text);

    [TestCase("1.5")]
    [TestCase("1.5B")]
    [TestCase("1e3")]
    [TestCase("1Ki")]
    [TestCase("1kb")]
    [TestCase("-1")]
    [TestCase("")]
    [TestCase("0x1.8k")]
    public void S20_A_malformed_size_is_refused(string text) =>
        Assert.That(() => SizeText.Parse("size", text),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'size' expects a non-negative number below 2^64").And.Property("Hint").StartsWith("Optional suffix k, M, G, T, P or E means"), text);

    [TestCase("16E")]
    [TestCase("8E")]
    [TestCase("9223372036854775808")]
    public void S20_A_size_beyond_64_bits_is_out_of_range(string text) =>
        Assert.That(() => SizeText.Parse("size", text), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Value '{text}' is out of range for parameter 'size'"), text);

    [Test]
    public void S21_A_dictionary_made_flat_and_nested_again_is_itself()
    {
        Gen<string> name = Gen.Char['a', 'f'].Array[1, 3].Select(c => new string(c));
        Gen<OptionValue> leaf = Gen.Select(Gen.Int, Gen.String[Gen.Char['a', 'z'], 0, 5], Gen.Bool, (number, text, isText) => isText ? (OptionValue)text : number);
        Gen<OptionValue> Tree(int depth) => depth == 0 ? leaf : Gen.Frequency(
            (2, leaf),
            (1, Gen.Select(name, Tree(depth - 1)).Array[1, 4].Select(Dictionary)),
            (1, Tree(depth - 1).Array[1, 4].Select(List)));
        Gen.Select(name, Tree(3)).Array[1, 5].Select(Dictionary).Sample(tree =>
            JsonText.Print(((OptionsDictionary)tree).Flatten().Crumple()) == JsonText.Print(tree));
    }

    private static OptionValue Dictionary((string Name, OptionValue Value)[] entries)
    {
        OptionsDictionary dictionary = [];
        foreach ((string name, OptionValue value) in entries)
        {
            dictionary[name] = value;
        }

        return dictionary;
    }

    private static OptionValue List(OptionValue[] items)
    {
        OptionsList list = [];
        foreach (OptionValue item in items)
        {
            list.Add(item);
        }

        return list;
    }
}
