using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.DriverList;

/// <summary>Prints drivers and their options for a person.</summary>
internal static class DriverText
{
    private const int NameWidth = 28;
    private const int TypeWidth = 9;

    /// <summary>Prints <paramref name="drivers"/>, then the options that every driver takes.</summary>
    public static void Print(TextWriter output, IReadOnlyList<BlockDriver> drivers)
    {
        foreach (BlockDriver driver in drivers)
        {
            output.WriteLine($"{driver.Name} ({DriverKinds.Name(driver)}): {driver.Summary}");
            PrintOptions(output, driver.Options);
            output.WriteLine();
        }

        output.WriteLine("Every driver also takes:");
        PrintOptions(output, CommonOptions.Schema);
    }

    private static void PrintOptions(TextWriter output, OptionSchema schema)
    {
        foreach (OptionDefinition option in schema.Spelled)
        {
            output.WriteLine($"  {option.Name,-NameWidth} {DriverKinds.Name(option.Type),-TypeWidth} {option.Help}{Notes(option)}");
        }
    }

    private static string Notes(OptionDefinition option)
    {
        List<string> notes = [];
        if (option.AllowedValues.Count > 0)
        {
            notes.Add(string.Join('|', option.AllowedValues));
        }

        if (option.IsRequired)
        {
            notes.Add("required");
        }

        if (option.Default is not null)
        {
            notes.Add($"default {option.Default}");
        }

        return notes.Count == 0 ? "" : $" ({string.Join("; ", notes)})";
    }
}
