using System.Text.Json;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Throttle.Simulation;

/// <summary>The fields of one JSON object, and where it stands, for errors.</summary>
internal readonly struct JsonFields
{
    private readonly JsonElement _element;
    private readonly int? _number;

    /// <summary>The fields of <paramref name="element"/>, which is called <paramref name="where"/>, or request <paramref name="number"/> of that.</summary>
    /// <exception cref="BlockException">It is no object.</exception>
    public JsonFields(JsonElement element, string where, int? number = null)
    {
        _element = element;
        _number = number;
        Where = where;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new BlockException($"{Place}: an object is expected");
        }
    }

    /// <summary>What the object, or what it is a request of, is called.</summary>
    public string Where { get; }

    private string Place => _number is { } number ? $"{Where}, request {number}" : Where;

    /// <summary>The same object by another name.</summary>
    public JsonFields Called(string where) => new(_element, where, _number);

    /// <summary>True where there is a field <paramref name="name"/>.</summary>
    public bool Has(string name) => _element.TryGetProperty(name, out _);

    /// <summary>The field <paramref name="name"/>.</summary>
    /// <exception cref="BlockException">It is missing, or something else than <paramref name="what"/>.</exception>
    public JsonElement Of(string name, JsonValueKind kind, string what) =>
        !_element.TryGetProperty(name, out JsonElement value) ? throw Failure(name, "is missing")
        : value.ValueKind != kind ? throw Failure(name, $"{what} is expected")
        : value;

    /// <summary>The text in the field <paramref name="name"/>.</summary>
    public string Text(string name) => Of(name, JsonValueKind.String, "a string").GetString()!;

    /// <summary>The integer in the field <paramref name="name"/>.</summary>
    /// <exception cref="BlockException">It is missing, no integer, or out of its range.</exception>
    public long Integer(string name, long least, long most) =>
        Of(name, JsonValueKind.Number, "an integer").TryGetInt64(out long value) && value >= least && value <= most
            ? value
            : throw Failure(name, $"an integer from {least} to {most} is expected");

    /// <summary>The error that field <paramref name="name"/> is.</summary>
    public BlockException Failure(string name, string text) => new($"{Place}, field '{name}': {text}");
}
