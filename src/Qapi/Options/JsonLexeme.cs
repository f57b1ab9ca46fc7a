namespace BlockGraph.Qapi.Options;

/// <summary>The kinds of JSON words. Keywords are any run of small letters; the reader knows which exist.</summary>
internal enum JsonLexemeKind
{
    ObjectStart,
    ObjectEnd,
    ListStart,
    ListEnd,
    Comma,
    Colon,
    Keyword,
    Integer,
    Real,
    String,
}

/// <summary>One JSON word.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">How it is written; a string with its quotes and escapes.</param>
internal readonly record struct JsonLexeme(JsonLexemeKind Kind, string Text);
