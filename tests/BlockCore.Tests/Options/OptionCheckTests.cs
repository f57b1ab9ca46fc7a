using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Tests.Options;

/// <summary>Options held against a schema: what is told first, and what comes out. Words and order are those of QEMU's visitors.</summary>
[TestFixture]
public sealed class OptionCheckTests
{
    private static readonly OptionSchema s_schema = new(
        new OptionDefinition("part.size", OptionType.Size, "a size"),
        new OptionDefinition("part.mode", OptionType.Enum, "a choice") { AllowedValues = ["slow", "fast"] },
        new OptionDefinition("count", OptionType.Integer, "a number"),
        new OptionDefinition("name", OptionType.String, "a text") { Default = "x" });

    [Test]
    public void Nested_and_dotted_spellings_come_out_flat_and_unread()
    {
        OptionsDictionary options = new() { { "part", new OptionsDictionary { { "size", "1k" } } }, { "part.mode", "fast" }, { "count", 5 } };
        OptionsDictionary flat = OptionCheck.Flatten(s_schema, options);
        Assert.That(flat.Select(entry => (entry.Key, entry.Value.AsText)), Is.EqualTo(new[] { ("part.size", "1k"), ("part.mode", "fast"), ("count", "5") }), "everything, and no defaults");
        Assert.That(options, Has.Count.EqualTo(3), "what was given is as it was");
    }

    [Test]
    public void An_empty_group_is_left_out() =>
        Assert.That(OptionCheck.Flatten(s_schema, new OptionsDictionary { { "part", new OptionsDictionary() } }), Is.Empty, "it says nothing");

    [Test]
    public void The_types_of_a_group_come_before_its_names_and_these_before_what_follows()
    {
        OptionsDictionary options = new() { { "other", 1 }, { "count", "x" }, { "part.other", 1 }, { "part.size", "x" } };
        List<string> told = [];
        foreach (string wrong in new[] { "part.size", "part.other", "count", "other" })
        {
            told.Add(Refusal(options));
            options.Remove(wrong);
        }

        Assert.That(told[0], Does.StartWith("Parameter 'part.size' expects a"), "a type in the first group");
        Assert.That(told[1..], Is.EqualTo(new[] { "Parameter 'part.other' is unexpected", "Parameter 'count' expects integer", "Parameter 'other' is unexpected" }), "then the others");
        Assert.That(OptionCheck.Flatten(s_schema, options), Is.Empty, "nothing is left");
    }

    [Test]
    public void Text_is_converted_and_a_string_among_typed_values_is_not()
    {
        Assert.That(OptionCheck.Flatten(s_schema, new OptionsDictionary { { "count", new OptionText("5") } }), Has.Count.EqualTo(1), "text of an option string");
        Assert.That(Refusal(new OptionsDictionary { { "count", new OptionText("5", isTyped: true) } }), Is.EqualTo("Invalid parameter type for 'count', expected: integer"), "a string of JSON");
        Assert.That(Refusal(new OptionsDictionary { { "part.size", new OptionText("5", isTyped: true) } }), Is.EqualTo("Invalid parameter type for 'part.size', expected: integer"), "a size");
        Assert.That(new OptionReader(new OptionsDictionary { { "count", new OptionText("5", isTyped: true) } }, s_schema).GetInteger("count"), Is.EqualTo(5), "nodes do not mind");
    }

    [Test]
    public void A_choice_is_one_of_its_words() =>
        Assert.That(Refusal(new OptionsDictionary { { "part.mode", "quick" } }), Is.EqualTo("Parameter 'part.mode' does not accept value 'quick'"), "and no other");

    private static string Refusal(OptionsDictionary options)
    {
        try
        {
            OptionCheck.Flatten(s_schema, options);
        }
        catch (BlockException error)
        {
            return error.Message;
        }

        throw new AssertionException("the options were taken");
    }
}
