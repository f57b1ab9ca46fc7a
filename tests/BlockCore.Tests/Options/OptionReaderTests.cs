using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Tests.Options;

/// <summary>Pins what a driver gets for each type of option, and in which words it is refused.</summary>
[TestFixture]
public sealed class OptionReaderTests
{
    private static readonly OptionSchema Schema = new(
        new OptionDefinition("text", OptionType.String, "Text."),
        new OptionDefinition("needed", OptionType.String, "Text.") { IsRequired = true },
        new OptionDefinition("number", OptionType.Integer, "A number."),
        new OptionDefinition("number-7", OptionType.Integer, "A number.") { Default = "7" },
        new OptionDefinition("size", OptionType.Size, "A size in bytes."),
        new OptionDefinition("size-1g", OptionType.Size, "A size in bytes.") { Default = "1G" },
        new OptionDefinition("flag", OptionType.Boolean, "A flag."),
        new OptionDefinition("flag-on", OptionType.Boolean, "A flag.") { Default = "on" },
        new OptionDefinition("mode", OptionType.Enum, "A mode.") { Default = "metadata", AllowedValues = ["off", "metadata", "full"] },
        new OptionDefinition("bare-mode", OptionType.Enum, "A mode.") { AllowedValues = ["off"] },
        new OptionDefinition("named", OptionType.String, "Text.") { Default = "name" });

    private static readonly OptionReal Real = new(512.0);

    [Test]
    public void Text_is_converted_by_type()
    {
        OptionReader reader = Over(new OptionsDictionary
        {
            { "text", "a,b" }, { "number", "0x10" }, { "size", "1.5k" }, { "flag", "yes" }, { "mode", "full" },
        });

        Assert.That(reader.GetString("text"), Is.EqualTo("a,b"));
        Assert.That(reader.GetInteger("number"), Is.EqualTo(16));
        Assert.That(reader.GetSize("size"), Is.EqualTo(1536));
        Assert.That(reader.GetBoolean("flag"), Is.True);
        Assert.That(reader.GetEnumIndex("mode"), Is.EqualTo(2));
    }

    [Test]
    public void Typed_values_are_taken_as_they_are()
    {
        OptionReader reader = Over(new OptionsDictionary { { "number", -5L }, { "size", long.MaxValue }, { "flag", true } });

        Assert.That(reader.GetInteger("number"), Is.EqualTo(-5));
        Assert.That(reader.GetSize("size"), Is.EqualTo(long.MaxValue));
        Assert.That(reader.GetBoolean("flag"), Is.True);
    }

    [Test]
    public void Absent_options_have_their_defaults()
    {
        OptionReader reader = Over([]);

        Assert.That(reader.GetString("text"), Is.Null);
        Assert.That(reader.GetString("named"), Is.EqualTo("name"));
        Assert.That(reader.GetIntegerOrNull("number"), Is.Null);
        Assert.That(reader.GetInteger("number"), Is.Zero);
        Assert.That(reader.GetInteger("number-7"), Is.EqualTo(7));
        Assert.That(reader.GetSizeOrNull("size"), Is.Null);
        Assert.That(reader.GetSize("size"), Is.Zero);
        Assert.That(reader.GetSize("size-1g"), Is.EqualTo(1L << 30));
        Assert.That(reader.GetBooleanOrNull("flag"), Is.Null);
        Assert.That(reader.GetBoolean("flag"), Is.False);
        Assert.That(reader.GetBoolean("flag-on"), Is.True);
        Assert.That(reader.GetEnumIndex("mode"), Is.EqualTo(1));
    }

    [Test]
    public void Reading_consumes_the_option_and_nothing_else()
    {
        OptionsDictionary options = new() { { "text", "x" }, { "stranger", "y" } };
        OptionReader reader = Over(options);

        Assert.That(reader.IsGiven("text"), Is.True);
        reader.GetString("text");

        Assert.That(reader.IsGiven("text"), Is.False);
        Assert.That(options.Keys, Is.EqualTo(new[] { "stranger" }), "What nobody read must stay to be refused.");
    }

    [TestCase("number", "1k", "Parameter 'file.number' expects a number")]
    [TestCase("number", "99999999999999999999", "Value '99999999999999999999' is too large for parameter 'file.number'")]
    [TestCase("number", "9223372036854775808", "Value '9223372036854775808' is too large for parameter 'file.number'")]
    [TestCase("size", "-1", "Parameter 'file.size' expects a non-negative number below 2^64")]
    [TestCase("size", "16E", "Value '16E' is out of range for parameter 'file.size'")]
    [TestCase("size", "8E", "Value '8E' is out of range for parameter 'file.size'")]
    [TestCase("flag", "maybe", "Parameter 'file.flag' expects 'on' or 'off'")]
    [TestCase("mode", "metadat", "Parameter 'file.mode' does not accept value 'metadat'")]
    [TestCase("mode", "ON", "Parameter 'file.mode' does not accept value 'ON'")]
    public void Malformed_text_is_refused_with_the_full_name(string name, string text, string message) =>
        Assert.That(() => ReadAny(new OptionReader(new OptionsDictionary { { name, text } }, Schema, "file."), name), Throws.TypeOf<BlockException>().With.Message.EqualTo(message));

    [Test]
    public void Misspelt_enum_value_gets_a_suggestion()
    {
        BlockException near = Assert.Throws<BlockException>(() => Over(new OptionsDictionary { { "mode", "metadat" } }).GetEnumIndex("mode"));
        BlockException far = Assert.Throws<BlockException>(() => Over(new OptionsDictionary { { "mode", "zzzzzzzz" } }).GetEnumIndex("mode"));

        Assert.That(near.Hint, Is.EqualTo("Did you mean 'metadata'?"));
        Assert.That(far.Hint, Is.Null);
    }

    [TestCase("number", "integer")]
    [TestCase("size", "integer")]
    [TestCase("flag", "boolean")]
    [TestCase("text", "string")]
    [TestCase("mode", "string")]
    public void Typed_value_of_another_type_is_refused(string name, string expected)
    {
        List<OptionValue> wrong = [OptionNull.Instance, new OptionsList(), new OptionsDictionary(), Real];
        wrong.Add(expected == "boolean" ? 1L : true);
        if (expected == "string")
        {
            wrong.Add(5L);
        }

        foreach (OptionValue value in wrong)
        {
            Assert.That(
                () => ReadAny(Over(new OptionsDictionary { { name, value } }), name),
                Throws.TypeOf<BlockException>().With.Message.EqualTo($"Invalid parameter type for '{name}', expected: {expected}"),
                $"for {value.GetType().Name}");
        }
    }

    [Test]
    public void Typed_integers_beyond_64_bits_with_sign_are_refused()
    {
        OptionInteger unsigned = new(ulong.MaxValue);

        Assert.That(() => Over(new OptionsDictionary { { "number", unsigned } }).GetInteger("number"), Throws.TypeOf<BlockException>().With.Message.EqualTo("Invalid parameter type for 'number', expected: integer"));
        Assert.That(() => Over(new OptionsDictionary { { "number", new OptionInteger(Int128.MinValue) } }).GetInteger("number"), Throws.TypeOf<BlockException>());
        Assert.That(() => Over(new OptionsDictionary { { "size", unsigned } }).GetSize("size"), Throws.TypeOf<BlockException>().With.Message.EqualTo("Value '18446744073709551615' is out of range for parameter 'size'"));
    }

    [Test]
    public void Negative_typed_size_is_refused() =>
        Assert.That(() => Over(new OptionsDictionary { { "size", -1L } }).GetSize("size"), Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'size' expects a non-negative number below 2^64"));

    [Test]
    public void Required_option_must_be_there()
    {
        Assert.That(() => new OptionReader([], Schema, "a.").GetString("needed"), Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'a.needed' is missing"));
        Assert.That(Over(new OptionsDictionary { { "needed", "" } }).GetString("needed"), Is.Empty);
    }

    [Test]
    public void Reading_against_the_schema_is_a_bug()
    {
        Assert.That(() => Over([]).GetString("undeclared"), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => Over([]).GetInteger("size"), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => Over([]).GetEnumIndex("bare-mode"), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Schema_lists_joins_and_suggests()
    {
        OptionSchema joined = Schema.With(new OptionSchema(new OptionDefinition("last", OptionType.Child, "A child.") { IsMutable = true, IsStrong = true }));

        Assert.That(joined.Definitions, Has.Count.EqualTo(Schema.Definitions.Count + 1));
        Assert.That(joined.Definitions[^1].Name, Is.EqualTo("last"));
        Assert.That(joined.NearestName("nubmer"), Is.EqualTo("number"));
        Assert.That(joined.NearestName("qqqqqqqqqqqq"), Is.Null);
        Assert.That(joined.TryGet("last", out OptionDefinition? last), Is.True);
        Assert.That(last!.IsMutable && last.IsStrong && last.Help == "A child.", Is.True);
    }

    private static OptionReader Over(OptionsDictionary options) => new(options, Schema);

    private static object? ReadAny(OptionReader reader, string name) => name switch
    {
        "number" => reader.GetInteger(name),
        "size" => reader.GetSize(name),
        "flag" => reader.GetBoolean(name),
        "mode" => reader.GetEnumIndex(name),
        _ => reader.GetString(name),
    };
}
