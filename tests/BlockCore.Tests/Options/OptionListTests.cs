using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Tests.Options;

/// <summary>Lists of options: how their elements are declared, spelt, found and read.</summary>
[TestFixture]
public sealed class OptionListTests
{
    private static readonly OptionSchema Rule = new(
        new OptionDefinition("event", OptionType.Enum, "An event.") { IsRequired = true, AllowedValues = ["begin", "end"] },
        new OptionDefinition("mode", OptionType.Enum, "A mode.") { AllowedValues = ["soft", "hard"] },
        new OptionDefinition("count", OptionType.Integer, "A number.") { Default = "3" });

    private static readonly OptionSchema Schema = new(
        new OptionDefinition("size", OptionType.Size, "A size in bytes."),
        new OptionDefinition("rules", OptionType.List, "Rules.") { Element = Rule },
        new OptionDefinition("colours", OptionType.List, "Colours.") { Element = new OptionSchema(new OptionDefinition("", OptionType.Enum, "A colour.") { AllowedValues = ["red", "blue"] }) });

    [Test]
    public void Each_element_has_a_reader_of_its_own()
    {
        OptionsDictionary options = new() { { "rules.1.event", "end" }, { "rules.0.event", "begin" }, { "size", "1k" }, { "rules.0.mode", "hard" }, { "rules.1.count", 7L } };
        IReadOnlyList<OptionReader> rules = new OptionReader(options, Schema).GetList("rules");
        Assert.That(rules, Has.Count.EqualTo(2), "two elements");
        Assert.That(rules[0].GetEnumIndex("event"), Is.Zero, "begin");
        Assert.That(rules[0].GetEnumIndexOrNull("mode"), Is.EqualTo(1), "hard");
        Assert.That(rules[0].GetInteger("count"), Is.EqualTo(3), "the default");
        Assert.That(rules[1].GetEnumIndex("event"), Is.EqualTo(1), "end");
        Assert.That(rules[1].GetEnumIndexOrNull("mode"), Is.Null, "no default");
        Assert.That(rules[1].GetInteger("count"), Is.EqualTo(7), "given");
        Assert.That(options.Keys, Is.EqualTo(new[] { "size" }), "what is left");
    }

    [Test]
    public void An_element_may_be_a_plain_value()
    {
        OptionReader reader = new(new OptionsDictionary { { "colours.0", "blue" }, { "colours.1", "red" } }, Schema);
        Assert.That(reader.GetList("colours").Select(c => c.GetEnumIndex("")), Is.EqualTo(new[] { 1, 0 }), "blue, red");
    }

    [Test]
    public void A_list_that_is_absent_or_empty_has_no_elements()
    {
        Assert.That(new OptionReader([], Schema).GetList("rules"), Is.Empty, "absent");
        Assert.That(new OptionReader(new OptionsDictionary { { "rules", new OptionsList() } }, Schema).GetList("rules"), Is.Empty, "empty");
    }

    [TestCase("rules.0.mode", "soft", "Parameter 'rules.0.event' is missing")]
    [TestCase("rules.0.event", "middle", "Parameter 'rules.0.event' does not accept value 'middle'")]
    [TestCase("rules.1.event", "begin", "Parameter 'rules.0' missing")]
    [TestCase("rules.00.event", "begin", "Parameter 'rules.0' missing")]
    [TestCase("rules.event", "begin", "Parameter 'rules.0' missing")]
    [TestCase("rules", "begin", "Invalid parameter type for 'rules', expected: array")]
    [TestCase("colours.0", "green", "Parameter 'colours.0' does not accept value 'green'")]
    public void What_is_wrong_is_named(string key, string value, string text)
    {
        OptionReader reader = new(new OptionsDictionary { { key, value } }, Schema);
        BlockException? refusal = Assert.Throws<BlockException>(() => reader.GetList(key.StartsWith("rules", StringComparison.Ordinal) ? "rules" : "colours").ToList().ForEach(e => e.GetEnumIndex(key.StartsWith("rules", StringComparison.Ordinal) ? "event" : "")));
        Assert.That(refusal.Message, Is.EqualTo(text), "the text");
    }

    [TestCase("size", "size")]
    [TestCase("rules.0.count", "count")]
    [TestCase("rules.12.event", "event")]
    [TestCase("colours.3", "")]
    [TestCase("rules", "rules")]
    [TestCase("rules.0", null)]
    [TestCase("rules.01.event", null)]
    [TestCase("rules.x.event", null)]
    [TestCase("rules.0.nope", null)]
    [TestCase("rules.0.event.more", null)]
    [TestCase("colours.0.more", null)]
    [TestCase("colours.", null)]
    public void A_flat_key_leads_to_its_definition(string key, string? name)
    {
        Assert.That(Schema.TryResolve(key, out OptionDefinition? definition), Is.EqualTo(name is not null), "whether it is declared");
        Assert.That(definition?.Name, Is.EqualTo(name), "what it is called in the element");
    }

    [TestCase("rules.4.evnt", "rules.4.event")]
    [TestCase("rules.4.zzzzz", null)]
    [TestCase("rule", "rules")]
    [TestCase("colours.0.x", null)]
    public void The_nearest_name_is_looked_for_in_the_element(string misspelt, string? nearest) =>
        Assert.That(Schema.NearestName(misspelt), Is.EqualTo(nearest), "the suggestion");

    [Test]
    public void A_person_sees_the_options_of_the_elements_after_the_list() => Assert.That(
        Schema.Spelled.Select(d => d.Name), Is.EqualTo(new[] { "size", "rules", "rules.N.event", "rules.N.mode", "rules.N.count", "colours", "colours.N" }), "the order");

    [Test]
    public void Elements_compare_by_meaning()
    {
        Assert.That(Schema.TryResolve("rules.0.count", out OptionDefinition? definition), "it is declared");
        Assert.That(OptionReader.AreEqual(definition!, "0x10", 16L), Is.True, "two spellings of 16");
        Assert.That(OptionReader.AreEqual(definition!, "0x10", 17L), Is.False, "another number");
    }
}
