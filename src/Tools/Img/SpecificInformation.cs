using System.Globalization;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Tools.Img;

/// <summary>What only the image's format has, for a person: keys as words, not as names of a program. <i>QEMU: ImageInfoSpecific.</i></summary>
internal static class SpecificInformation
{
    /// <summary>Prints it, if there is any.</summary>
    public static void Print(TextWriter output, ImageInformation? information)
    {
        if (information?.Specific is { } specific && specific.TryGetValue("data", out OptionValue? data) && data is OptionsDictionary entries)
        {
            output.WriteLine("Format specific information:");
            PrintEntries(output, entries, 1);
        }
    }

    private static void PrintEntries(TextWriter output, OptionsDictionary entries, int depth)
    {
        string indent = new(' ', 4 * depth);
        foreach ((string key, OptionValue value) in QemuKeyOrder.Sort(entries))
        {
            string words = key.Replace('-', ' ');
            switch (value)
            {
                case OptionsDictionary inner:
                    output.WriteLine($"{indent}{words}:");
                    PrintEntries(output, inner, depth + 1);
                    break;
                case OptionsList list:
                    output.WriteLine($"{indent}{words}:");
                    PrintList(output, list, depth + 1);
                    break;
                default:
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}{words}: {WordOf(value)}"));
                    break;
            }
        }
    }

    private static void PrintList(TextWriter output, OptionsList list, int depth)
    {
        string indent = new(' ', 4 * depth);
        int index = 0;
        foreach (OptionValue item in list)
        {
            if (item is OptionsDictionary entries)
            {
                output.WriteLine($"{indent}[{index++}]:");
                PrintEntries(output, entries, depth + 1);
            }
            else
            {
                output.WriteLine($"{indent}[{index++}]: {WordOf(item)}");
            }
        }
    }

    private static string? WordOf(OptionValue value) => value is OptionBoolean { Value: var isTrue } ? isTrue ? "true" : "false" : value.AsText;
}
