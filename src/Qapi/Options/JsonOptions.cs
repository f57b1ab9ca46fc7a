using System.Numerics;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using Newtonsoft.Json;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// Reads JSON into option trees. Integers are exact over signed and unsigned 64 bits, strings may have single quotes,
/// a repeated name in an object is an error. <i>QEMU: qobject_from_json().</i>
/// </summary>
public static class JsonOptions
{
    /// <summary>How deep objects and lists may nest.</summary>
    public const int MaximumNesting = 1024;

    /// <summary>The tree in <paramref name="text"/>, which must be an object; dotted names stay as they are.</summary>
    /// <exception cref="BlockException">It is not JSON (<c>JSON parse error, …</c>), not one value, or not an object.</exception>
    public static OptionsDictionary Parse(string text) => ParseValue(text) as OptionsDictionary ?? throw NotAnObject();

    /// <summary>The value in <paramref name="text"/>, of any type.</summary>
    /// <exception cref="BlockException">It is not JSON (<c>JSON parse error, …</c>), or not one value.</exception>
    public static OptionValue ParseValue(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        JsonLexer lexer = new(text);
        List<JsonLexeme> lexemes = lexer.ReadValue();
        if (lexemes.Count == 0)
        {
            throw new BlockException("Expecting a JSON value");
        }

        using StrictJsonReader reader = new(lexemes);
        reader.Read();
        OptionValue value = Build(reader);
        return lexer.IsAtEnd() ? value : throw new BlockException("Expecting at most one JSON value");
    }

    /// <summary>The tree in the pseudo-filename <paramref name="name"/> (<c>json:{…}</c>): the hook by which the graph reads such names without knowing JSON.</summary>
    /// <exception cref="BlockException">The text behind the prefix is not JSON (<c>Could not parse the JSON options: …</c>) or not an object.</exception>
    public static OptionsDictionary ParsePseudoFileName(string name) => PseudoFileName.Parse(name);

    /// <summary>The failure of text that is no JSON.</summary>
    internal static BlockException ParseFailure(string what) => new("JSON parse error, " + what);

    /// <summary>The failure of an object that has a name twice.</summary>
    internal static BlockException DuplicateKey() => ParseFailure("duplicate key");

    /// <summary>The failure of a value where an object was expected.</summary>
    internal static BlockException NotAnObject() => new("Invalid JSON object given");

    // The reader stands on the first token of the value, and afterwards on its last. The lexer has bounded the depth.
    private static OptionValue Build(JsonReader reader) => reader.TokenType switch
    {
        JsonToken.StartObject => BuildDictionary(reader),
        JsonToken.StartArray => BuildList(reader),
        JsonToken.String => new OptionText((string)reader.Value!, isTyped: true),
        JsonToken.Boolean => (bool)reader.Value!,
        JsonToken.Float => new OptionReal((double)reader.Value!),
        JsonToken.Integer => new OptionInteger(reader.Value is BigInteger large ? (Int128)large : (long)reader.Value!),
        _ => OptionNull.Instance,
    };

    private static OptionsDictionary BuildDictionary(JsonReader reader)
    {
        OptionsDictionary dictionary = [];
        while (reader.Read() && reader.TokenType == JsonToken.PropertyName)
        {
            string name = (string)reader.Value!;
            reader.Read();
            OptionValue value = Build(reader);
            if (dictionary.ContainsKey(name))
            {
                throw DuplicateKey();
            }

            dictionary.Add(name, value);
        }

        return dictionary;
    }

    private static OptionsList BuildList(JsonReader reader)
    {
        OptionsList list = [];
        while (reader.Read() && reader.TokenType != JsonToken.EndArray)
        {
            list.Add(Build(reader));
        }

        return list;
    }
}
