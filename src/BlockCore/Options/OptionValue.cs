using System.Globalization;

namespace BlockGraph.BlockCore.Options;

/// <summary>One value of an option tree: text, integer, real number, boolean, null, list or dictionary. <i>QEMU: QObject.</i></summary>
public abstract class OptionValue
{
    private protected OptionValue()
    {
    }

    /// <summary>The value as the text that an option string would have for it; null where it has none (a container or null).</summary>
    public virtual string? AsText => null;

    /// <summary>Wraps text.</summary>
    public static implicit operator OptionValue(string text) => new OptionText(text);

    /// <summary>Wraps an integer.</summary>
    public static implicit operator OptionValue(long value) => new OptionInteger(value);

    /// <summary>Wraps a boolean.</summary>
    public static implicit operator OptionValue(bool value) => value ? OptionBoolean.True : OptionBoolean.False;

    /// <summary>Wraps text.</summary>
    public static OptionValue FromString(string text) => text;

    /// <summary>Wraps an integer.</summary>
    public static OptionValue FromInt64(long value) => value;

    /// <summary>Wraps a boolean.</summary>
    public static OptionValue FromBoolean(bool value) => value;
}

/// <summary>Text, as every value of an option string is; typed readers convert it.</summary>
/// <param name="text">The text.</param>
/// <param name="isTyped">Whether it came as a string where other values have types of their own, as in JSON.</param>
public sealed class OptionText(string text, bool isTyped = false) : OptionValue
{
    /// <summary>The text.</summary>
    public string Text { get; } = text;

    /// <summary>True where it came as a string where other values have types of their own, so that text is meant and nothing else. Only <see cref="OptionDialect.Qapi"/> minds.</summary>
    public bool IsTyped { get; } = isTyped;

    /// <inheritdoc/>
    public override string AsText => Text;
}

/// <summary>An integer that came typed, as from JSON. The range covers signed and unsigned 64 bits.</summary>
public sealed class OptionInteger(Int128 value) : OptionValue
{
    /// <summary>The value.</summary>
    public Int128 Value { get; } = value;

    /// <inheritdoc/>
    public override string AsText => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A number with a fraction that came typed, as from JSON.</summary>
public sealed class OptionReal(double value) : OptionValue
{
    /// <summary>The value.</summary>
    public double Value { get; } = value;

    /// <inheritdoc/>
    public override string AsText => RealText.Format(Value);
}

/// <summary>A boolean that came typed, as from JSON.</summary>
public sealed class OptionBoolean : OptionValue
{
    private OptionBoolean(bool value) => Value = value;

    /// <summary>On.</summary>
    public static OptionBoolean True { get; } = new(true);

    /// <summary>Off.</summary>
    public static OptionBoolean False { get; } = new(false);

    /// <summary>The value.</summary>
    public bool Value { get; }

    /// <inheritdoc/>
    public override string AsText => Value ? "on" : "off";
}

/// <summary>JSON null: the option is given, and says "none".</summary>
public sealed class OptionNull : OptionValue
{
    private OptionNull()
    {
    }

    /// <summary>The only one.</summary>
    public static OptionNull Instance { get; } = new();
}
