using System.Globalization;
using System.Numerics;
using BlockGraph.BlockCore.Errors;
using Newtonsoft.Json;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// A <see cref="JsonReader"/> of one value with the grammar and the error texts that users know: no comments, no bare
/// names, no trailing commas. LINQ-to-JSON can load from it. <i>QEMU: json-parser.</i>
/// </summary>
/// <remarks>
/// Integers are <see cref="long"/>, or <see cref="BigInteger"/> up to 2^64 - 1; what is beyond is <see cref="double"/>.
/// Repeated names are the caller's to refuse: see <see cref="JsonOptions.DuplicateKey"/>.
/// </remarks>
internal sealed class StrictJsonReader : JsonReader
{
    private readonly List<JsonLexeme> _lexemes;
    private readonly Stack<bool> _containers = new(); // True for an object, false for a list.
    private int _index;
    private Expectation _next = Expectation.Value;

    /// <summary>Reads the value that <paramref name="lexemes"/> spell.</summary>
    internal StrictJsonReader(List<JsonLexeme> lexemes, int start = 0)
    {
        _lexemes = lexemes;
        _index = start;
        MaxDepth = JsonOptions.MaximumNesting;
        DateParseHandling = DateParseHandling.None;
    }

    private enum Expectation
    {
        Value,
        FirstItem,
        FirstMember,
        Member,
        Separator,
        Nothing,
    }

    /// <summary>Goes to the next token.</summary>
    /// <returns>False behind the end of the value.</returns>
    /// <exception cref="BlockException">The text breaks the grammar here.</exception>
    public override bool Read()
    {
        switch (_next)
        {
            case Expectation.Nothing:
                SetToken(JsonToken.None);
                return false;
            case Expectation.FirstItem when Peek().Kind == JsonLexemeKind.ListEnd:
            case Expectation.FirstMember when Peek().Kind == JsonLexemeKind.ObjectEnd:
                _index++;
                EndContainer();
                break;
            case Expectation.FirstMember or Expectation.Member:
                ReadMemberName();
                break;
            case Expectation.Separator:
                return ReadSeparator();
            default:
                ReadValue(Take());
                break;
        }

        return true;
    }

    private bool ReadSeparator()
    {
        bool isObject = _containers.Peek();
        JsonLexemeKind kind = Take().Kind;
        if (kind == JsonLexemeKind.Comma)
        {
            _next = isObject ? Expectation.Member : Expectation.Value;
            return Read();
        }

        if (kind != (isObject ? JsonLexemeKind.ObjectEnd : JsonLexemeKind.ListEnd))
        {
            throw JsonOptions.ParseFailure(isObject ? "expected separator in dict" : "expected separator in list");
        }

        EndContainer();
        return true;
    }

    private void ReadMemberName()
    {
        JsonLexeme lexeme = Peek();
        if (lexeme.Kind != JsonLexemeKind.String)
        {
            throw NotAName();
        }

        _index++;

        if (Take().Kind != JsonLexemeKind.Colon)
        {
            throw JsonOptions.ParseFailure("missing : in object pair");
        }

        SetToken(JsonToken.PropertyName, JsonStringLiteral.Decode(lexeme.Text));
        _next = Expectation.Value;
    }

    // Whatever stands here must be a value before its type is looked at: that mistake comes first.
    private BlockException NotAName()
    {
        using StrictJsonReader value = new(_lexemes, _index);
        while (value.Read())
        {
        }

        return JsonOptions.ParseFailure("key is not a string in object");
    }

    private void ReadValue(JsonLexeme lexeme)
    {
        switch (lexeme.Kind)
        {
            case JsonLexemeKind.ObjectStart:
                Start(JsonToken.StartObject, true, Expectation.FirstMember);
                return;
            case JsonLexemeKind.ListStart:
                Start(JsonToken.StartArray, false, Expectation.FirstItem);
                return;
            case JsonLexemeKind.String:
                SetToken(JsonToken.String, JsonStringLiteral.Decode(lexeme.Text));
                break;
            case JsonLexemeKind.Integer:
                SetInteger(lexeme.Text);
                break;
            case JsonLexemeKind.Real:
                SetToken(JsonToken.Float, ParseReal(lexeme.Text));
                break;
            case JsonLexemeKind.Keyword:
                SetKeyword(lexeme.Text);
                break;
            default:
                throw JsonOptions.ParseFailure("expecting value");
        }

        AfterValue();
    }

    private void SetInteger(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long signed))
        {
            SetToken(JsonToken.Integer, signed);
        }
        else if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong unsigned))
        {
            SetToken(JsonToken.Integer, (BigInteger)unsigned);
        }
        else
        {
            SetToken(JsonToken.Float, ParseReal(text));
        }
    }

    private void SetKeyword(string text)
    {
        switch (text)
        {
            case "true":
                SetToken(JsonToken.Boolean, true);
                break;
            case "false":
                SetToken(JsonToken.Boolean, false);
                break;
            case "null":
                SetToken(JsonToken.Null);
                break;
            default:
                throw JsonOptions.ParseFailure($"invalid keyword '{text}'");
        }
    }

    private static double ParseReal(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private void Start(JsonToken token, bool isObject, Expectation next)
    {
        SetToken(token);
        _containers.Push(isObject);
        _next = next;
    }

    private void EndContainer()
    {
        SetToken(_containers.Pop() ? JsonToken.EndObject : JsonToken.EndArray);
        AfterValue();
    }

    private void AfterValue() => _next = _containers.Count == 0 ? Expectation.Nothing : Expectation.Separator;

    private JsonLexeme Take()
    {
        JsonLexeme lexeme = Peek();
        _index++;
        return lexeme;
    }

    private JsonLexeme Peek() => _index < _lexemes.Count ? _lexemes[_index] : throw JsonOptions.ParseFailure("premature EOI");
}
