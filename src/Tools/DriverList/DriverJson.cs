using System.Text.Json;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.DriverList;

/// <summary>Prints drivers and their options as JSON.</summary>
internal static class DriverJson
{
    /// <summary>Prints <paramref name="drivers"/>, and the options that every driver takes.</summary>
    public static void Print(TextWriter output, IReadOnlyList<BlockDriver> drivers) => JsonLines.Print(output, isIndented: true, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("drivers");
        foreach (BlockDriver driver in drivers)
        {
            writer.WriteStartObject();
            writer.WriteString("name", driver.Name);
            writer.WriteString("kind", DriverKinds.Name(driver));
            writer.WriteString("summary", driver.Summary);
            WriteOptions(writer, "options", driver.Options);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteOptions(writer, "common-options", CommonOptions.Schema);
        writer.WriteEndObject();
    });

    private static void WriteOptions(Utf8JsonWriter writer, string property, OptionSchema schema)
    {
        writer.WriteStartArray(property);
        foreach (OptionDefinition option in schema.Definitions)
        {
            writer.WriteStartObject();
            writer.WriteString("name", option.Name);
            writer.WriteString("type", TypeName(option.Type));
            if (option.AllowedValues.Count > 0)
            {
                writer.WriteStartArray("values");
                foreach (string value in option.AllowedValues)
                {
                    writer.WriteStringValue(value);
                }

                writer.WriteEndArray();
            }

            writer.WriteString("default", option.Default);
            writer.WriteBoolean("required", option.IsRequired);
            writer.WriteBoolean("mutable", option.IsMutable);
            writer.WriteString("help", option.Help);
            if (option.Element is { } element)
            {
                WriteOptions(writer, "element", element);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string TypeName(OptionType type) => type switch
    {
        OptionType.Boolean => "boolean",
        OptionType.Enum => "enum",
        _ => DriverKinds.Name(type),
    };
}
