using System.Text;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using CsCheck;
using Newtonsoft.Json.Linq;

namespace BlockGraph.Qapi.Tests.Options;

/// <summary>Pins what is JSON and in which words the rest is refused, as qemu-img 7.2.22 has it (<c>info 'json:…'</c>).</summary>
[TestFixture]
public sealed class JsonOptionsTests
{
    [TestCase("{}", "{}")]
    [TestCase(" \t\r\n{ } \n", "{}")]
    [TestCase("{'driver':'null-co'}", "{\"driver\": \"null-co\"}")]
    [TestCase("{'a':'x\"y'}", "{\"a\": \"x\\\"y\"}")]
    [TestCase("{'a':'x\\'y'}", "{\"a\": \"x'y\"}")]
    [TestCase("{\"a\":\"\\'\"}", "{\"a\": \"'\"}")]
    [TestCase("{\"a\":\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"}", "{\"a\": \"/\\b\\f\\n\\r\\t\\\"\\\\\"}")]
    [TestCase("{\"a\":\"\\u0000\\u00e9\\ud83d\\ude00\"}", "{\"a\": \"\\u0000\\u00E9\\uD83D\\uDE00\"}")]
    [TestCase("{\"a\":\"é😀\x7f\"}", "{\"a\": \"\\u00E9\\uD83D\\uDE00\\u007F\"}")]
    [TestCase("{\"a\":\"%d\"}", "{\"a\": \"%d\"}")]
    [TestCase("{'a':[true,false,null,[],{}]}", "{\"a\": [true, false, null, [], {}]}")]
    [TestCase("{'a':-0}", "{\"a\": 0}")]
    [TestCase("{'a':9223372036854775807}", "{\"a\": 9223372036854775807}")]
    [TestCase("{'a':-9223372036854775808}", "{\"a\": -9223372036854775808}")]
    [TestCase("{'a':18446744073709551615}", "{\"a\": 18446744073709551615}")]
    [TestCase("{'a':18446744073709551616}", "{\"a\": 1.8446744073709552e+19}")]
    [TestCase("{'a':-9223372036854775809}", "{\"a\": -9.2233720368547758e+18}")]
    [TestCase("{'a':1.0}", "{\"a\": 1}")]
    [TestCase("{'a':1e3}", "{\"a\": 1000}")]
    [TestCase("{'a':1.5E+2}", "{\"a\": 150}")]
    [TestCase("{'a':-512.5e0}", "{\"a\": -512.5}")]
    [TestCase("{'a':25e-2}", "{\"a\": 0.25}")]
    [TestCase("{'a':1e400}", "{\"a\": inf}")]
    [TestCase("{'':'x'}", "{\"\": \"x\"}")]
    [TestCase("{'a.b':1,'a':{'c':2}}", null)]
    public void Json_is_read_and_printed(string text, string? expected)
    {
        OptionsDictionary tree = JsonOptions.Parse(text);

        if (expected is null)
        {
            Assert.That(tree.Keys, Is.EqualTo(new[] { "a.b", "a" }), "Both spellings stay.");
            Assert.That(tree.Flatten().Keys, Is.EqualTo(new[] { "a.b", "a.c" }));
            return;
        }

        Assert.That(JsonText.Print(tree), Is.EqualTo(expected));
    }

    [TestCase("{", "premature EOI")]
    [TestCase("{\"a\"", "premature EOI")]
    [TestCase("{\"a\":", "premature EOI")]
    [TestCase("{\"a\":1", "premature EOI")]
    [TestCase("{\"a\":1,", "premature EOI")]
    [TestCase("{\"a\":1,\"a\"", "premature EOI")]
    [TestCase("{\"a\":[1", "premature EOI")]
    [TestCase("{\"a\":[1,", "premature EOI")]
    [TestCase("{[", "premature EOI")]
    [TestCase("{\"driver\":\"null-co\",}", "expecting value")]
    [TestCase("{\"driver\":}", "expecting value")]
    [TestCase("{\"a\":1,\"a\":}", "expecting value")]
    [TestCase("{\"a\":[1,]}", "expecting value")]
    [TestCase("{\"a\":[}", "expecting value")]
    [TestCase("{\"a\":]}", "expecting value")]
    [TestCase("{\"a\":]", "expecting value")]
    [TestCase("{\"a\":}}", "expecting value")]
    [TestCase("{\"a\":1,,}", "expecting value")]
    [TestCase("{\"a\"::1}", "expecting value")]
    [TestCase("[,1]", "expecting value")]
    [TestCase("[1,,2]", "expecting value")]
    [TestCase("[[[}", "expecting value")]
    [TestCase("{,}", "expecting value")]
    [TestCase("{:}", "expecting value")]
    [TestCase("}", "expecting value")]
    [TestCase("]", "expecting value")]
    [TestCase(":", "expecting value")]
    [TestCase(",", "expecting value")]
    [TestCase("{\"driver\" \"null-co\"}", "missing : in object pair")]
    [TestCase("{\"a\"}", "missing : in object pair")]
    [TestCase("{\"a\",}", "missing : in object pair")]
    [TestCase("{\"a\":1,\"b\"}", "missing : in object pair")]
    [TestCase("{\"a\" 1", "missing : in object pair")]
    [TestCase("{\"a\" \"b\" \"c\"", "missing : in object pair")]
    [TestCase("{1:2}", "key is not a string in object")]
    [TestCase("{1", "key is not a string in object")]
    [TestCase("{true:1}", "key is not a string in object")]
    [TestCase("{null}", "key is not a string in object")]
    [TestCase("{[1]:2}", "key is not a string in object")]
    [TestCase("{{}:2}", "key is not a string in object")]
    [TestCase("{[1 2]:2}", "expected separator in list")]
    [TestCase("{\"a\":1 \"b\":2}", "expected separator in dict")]
    [TestCase("{\"a\":1 \"b\"", "expected separator in dict")]
    [TestCase("{\"a\":1]", "expected separator in dict")]
    [TestCase("{\"a\":0x10}", "expected separator in dict")]
    [TestCase("{\"a\":1E3x}", "expected separator in dict")]
    [TestCase("{\"a\":true1}", "expected separator in dict")]
    [TestCase("{\"a\":99999999999999999999x}", "expected separator in dict")]
    [TestCase("{\"a\":[1 2]}", "expected separator in list")]
    [TestCase("{\"a\":[1}]", "expected separator in list")]
    [TestCase("[1}", "expected separator in list")]
    [TestCase("[1 2", "expected separator in list")]
    [TestCase("{driver:\"null-co\"}", "invalid keyword 'driver'")]
    [TestCase("{\"a\":tru}", "invalid keyword 'tru'")]
    [TestCase("{\"a\":tru", "invalid keyword 'tru'")]
    [TestCase("{\"a\":tru3}", "invalid keyword 'tru'")]
    [TestCase("{\"a\":truefalse}", "invalid keyword 'truefalse'")]
    [TestCase("tru", "invalid keyword 'tru'")]
    [TestCase("{\"a\":TRUE}", "stray 'T'")]
    [TestCase("{\"a\":01}", "stray '01'")]
    [TestCase("{\"a\":00}", "stray '00'")]
    [TestCase("{\"a\":-01}", "stray '-01'")]
    [TestCase("{\"a\":-}", "stray '-}'")]
    [TestCase("{\"a\":-a}", "stray '-a'")]
    [TestCase("{\"a\":1.}", "stray '1.}'")]
    [TestCase("{\"a\":1e}", "stray '1e}'")]
    [TestCase("{\"a\":1e+}", "stray '1e+}'")]
    [TestCase("{\"a\":1e+x}", "stray '1e+x'")]
    [TestCase("{\"a\":.5}", "stray '.'")]
    [TestCase("{\"a\":1.5.}", "stray '.'")]
    [TestCase("{\"a\":+1}", "stray '+'")]
    [TestCase("{\"a\":&}", "stray '&'")]
    [TestCase("{\"a\":&", "stray '&'")]
    [TestCase("{\"a\" &}", "stray '&'")]
    [TestCase("{\"a\":1 \"b\" &", "stray '&'")]
    [TestCase("{\"a\":tru &", "stray '&'")]
    [TestCase("& 1", "stray '&'")]
    [TestCase("{\"a\":%d}", "stray '%'")]
    [TestCase("{\"a\":1//x\n}", "stray '/'")]
    [TestCase("{\"a\":é}", "stray 'é'")]
    [TestCase("{\"a\":😀}", "stray '😀'")]
    [TestCase("{\v}", "stray '\v'")]
    [TestCase("{\"a\":\"x", "stray '\"x'")]
    [TestCase("{'a:1}", "stray ''a:1}'")]
    [TestCase("{\"a\":\"\\", "stray '\"\\'")]
    [TestCase("{\"a\":\"x\\\"}", "stray '\"x\\\"}'")]
    [TestCase("{\"a\":\"\ttab\"}", "stray '\"\t'")]
    [TestCase("-", "stray '-'")]
    [TestCase("1.", "stray '1.'")]
    [TestCase("\"", "stray '\"'")]
    [TestCase("{\"a\":\"\\q\"}", "invalid escape sequence in string")]
    [TestCase("{\"a\":\"\\U0041\"}", "invalid escape sequence in string")]
    [TestCase("{\"\\q\":1}", "invalid escape sequence in string")]
    [TestCase("{\"a\":\"\\u12\"}", "\\u12\" is not a valid Unicode character")]
    [TestCase("{'a':'\\u12'}", "\\u12' is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\u12x4\"}", "\\u12x4 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\u\"}", "\\u\" is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ud800\"}", "\\ud800 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ud800x\"}", "\\ud800 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ud800\\u0041\"}", "\\ud800 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ud800\\u12\"}", "\\ud800 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ud800\\q\"}", "\\ud800 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\udc00\"}", "\\udc00 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ufffe\"}", "\\ufffe is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\uffff\"}", "\\uffff is not a valid Unicode character")]
    [TestCase("{\"a\":\"\\ufdd0\"}", "\\ufdd0 is not a valid Unicode character")]
    [TestCase("{\"a\":\"\uFFFE\"}", "invalid UTF-8 sequence in string")]
    [TestCase("{\"driver\":\"null-co\",\"driver\":\"null-aio\"}", "duplicate key")]
    [TestCase("{\"a\":{\"a\":1,\"a\":2}}", "duplicate key")]
    [TestCase("{\"a\":1,\"a\":2", "duplicate key")]
    public void What_is_no_json_is_refused(string text, string what)
    {
        AssertRefused(() => JsonOptions.Parse(text), "JSON parse error, " + what);
        AssertRefused(() => JsonOptions.ParsePseudoFileName("json:" + text), "Could not parse the JSON options: JSON parse error, " + what);
    }

    [Test]
    public void Half_a_surrogate_pair_is_refused() =>
        AssertRefused(() => JsonOptions.Parse("{\"a\":\"" + '\uD800' + "\"}"), "JSON parse error, invalid UTF-8 sequence in string");

    [TestCase("", "Expecting a JSON value")]
    [TestCase("   ", "Expecting a JSON value")]
    [TestCase("{\"a\":1} x", "Expecting at most one JSON value")]
    [TestCase("{\"a\":1}}", "Expecting at most one JSON value")]
    [TestCase("{\"a\":1}{\"b\":2}", "Expecting at most one JSON value")]
    [TestCase("{\"a\":1}&", "Expecting at most one JSON value")]
    [TestCase("{\"a\":1} \"x", "Expecting at most one JSON value")]
    [TestCase("1 2", "Expecting at most one JSON value")]
    [TestCase("1}", "Expecting at most one JSON value")]
    public void Exactly_one_value_is_expected(string text, string message)
    {
        AssertRefused(() => JsonOptions.Parse(text), message);
        AssertRefused(() => JsonOptions.ParsePseudoFileName("json:" + text), "Could not parse the JSON options: " + message);
    }

    [TestCase("[]")]
    [TestCase("1")]
    [TestCase("\"a\"")]
    [TestCase("null")]
    public void Value_must_be_an_object(string text)
    {
        AssertRefused(() => JsonOptions.Parse(text), "Invalid JSON object given");
        AssertRefused(() => JsonOptions.ParsePseudoFileName("json:" + text), "Invalid JSON object given");
    }

    [Test]
    public void Nesting_has_a_limit()
    {
        string deepest = new string('[', 1024) + new string(']', 1024);

        Assert.That(JsonText.Print(JsonOptions.ParseValue(deepest)), Is.EqualTo(deepest));
        AssertRefused(() => JsonOptions.ParseValue("[" + deepest + "]"), "JSON nesting depth limit exceeded");
        AssertRefused(() => JsonOptions.ParseValue(new string('[', 1025)), "JSON nesting depth limit exceeded");
        AssertRefused(() => JsonOptions.ParseValue(new string('[', 1024)), "JSON parse error, premature EOI");
        AssertRefused(() => JsonOptions.ParseValue(new string('{', 1024)), "JSON parse error, premature EOI");
    }

    [Test]
    public void Length_has_a_limit()
    {
        string text = "[" + string.Concat(Enumerable.Repeat("1,", JsonLexer.MaximumLexemes / 2)) + "1]";

        AssertRefused(() => JsonOptions.ParseValue(text), "JSON token count limit exceeded");
    }

    [Test]
    public void Reader_feeds_linq_to_json()
    {
        using StrictJsonReader reader = new(new JsonLexer("{'a':[1,18446744073709551615,'2020-01-01T00:00:00Z',{}]}").ReadValue());

        JToken token = JToken.ReadFrom(reader);

        Assert.That(token.ToString(Newtonsoft.Json.Formatting.None), Is.EqualTo("{\"a\":[1,18446744073709551615,\"2020-01-01T00:00:00Z\",{}]}"));
        Assert.That(reader.Read(), Is.False, "There is one value.");
    }

    [Test]
    public void Printed_tree_reads_back() => Trees(3).Sample(tree =>
    {
        string oneLine = JsonText.Print(tree);
        OptionValue again = JsonOptions.ParseValue(oneLine);

        // Within a bucket the order depends on insertion, so the second printing is compared with the third by shape.
        return Describe(again) == Describe(tree) && Describe(JsonOptions.ParseValue(JsonText.Print(tree, true))) == Describe(tree);
    });

    [Test]
    public void Random_text_never_throws_anything_else() =>
        Gen.String[Gen.OneOf(Gen.Char["{}[]:,\"'\\u0123456789abcdefeE.+-truefalsn \t"], Gen.Char), 0, 30].Sample(text =>
        {
            try
            {
                JsonOptions.Parse("{" + text);
            }
            catch (BlockException)
            {
                // The only failure there may be.
            }
        });

    private static Gen<OptionValue> Trees(int depth)
    {
        Gen<OptionValue> scalar = Gen.OneOf(
            Gen.String[Gen.OneOf(Gen.Char[' ', '~'], Gen.Char["\0\b\n\t\x7f\"'\\é€"]), 0, 6].Select(OptionValue.FromString),
            Gen.Long.Select(OptionValue.FromInt64),
            Gen.ULong.Select(n => (OptionValue)new OptionInteger(n)),
            Gen.Bool.Select(OptionValue.FromBoolean),
            Gen.Const((OptionValue)OptionNull.Instance));
        if (depth == 0)
        {
            return scalar;
        }

        Gen<OptionValue> inner = Trees(depth - 1);
        return Gen.OneOf(
            scalar,
            inner.Array[0, 3].Select(items => (OptionValue)ToList(items)),
            Gen.Select(Gen.String[Gen.Char["abc.-é"], 0, 4], inner).Array[0, 4].Select(items => (OptionValue)ToDictionary(items)));
    }

    private static OptionsList ToList(OptionValue[] items) => [.. items];

    private static OptionsDictionary ToDictionary((string Key, OptionValue Value)[] items)
    {
        OptionsDictionary dictionary = [];
        foreach ((string key, OptionValue value) in items)
        {
            dictionary[key] = value;
        }

        return dictionary;
    }

    private static string Describe(OptionValue value)
    {
        StringBuilder text = new();
        switch (value)
        {
            case OptionsDictionary dictionary:
                foreach ((string key, OptionValue item) in dictionary.OrderBy(e => e.Key, StringComparer.Ordinal))
                {
                    text.Append(key).Append('=').Append(Describe(item)).Append(';');
                }

                return "{" + text + "}";
            case OptionsList list:
                foreach (OptionValue item in list)
                {
                    text.Append(Describe(item)).Append(';');
                }

                return "[" + text + "]";
            default:
                return value.GetType().Name + value.AsText;
        }
    }

    private static void AssertRefused(Action parse, string message) => Assert.That(parse, Throws.TypeOf<BlockException>().With.Message.EqualTo(message));
}
