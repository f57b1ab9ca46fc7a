using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Dispatch;

/// <summary>How a failure of the world is told to the person who caused it: one line, no stack.</summary>
internal static class Complaint
{
    /// <summary>Prints <paramref name="message"/> behind the program's name; returns exit code 1.</summary>
    public static int Print(IToolConsole console, string program, string message)
    {
        console.Error.WriteLine($"{program}: {OneLine(message)}");
        return 1;
    }

    /// <summary>Prints <paramref name="failure"/>; its hint stands in parentheses, or on a line of its own where a script for QEMU's programs looks for it there.</summary>
    public static int Print(IToolConsole console, string program, BlockException failure, CompatibilityProfile profile)
    {
        if (failure.Hint is null)
        {
            return Print(console, program, failure.Message);
        }

        if (ReferenceEquals(profile, CompatibilityProfile.Own))
        {
            return Print(console, program, $"{failure.Message} ({OneLine(failure.Hint).TrimEnd('.')})");
        }

        Print(console, program, failure.Message);
        console.Error.WriteLine(failure.Hint);
        return 1;
    }

    /// <summary>Prints what a person should know though the command goes on.</summary>
    public static void Warn(IToolConsole console, string program, string message) =>
        console.Error.WriteLine($"{program}: warning: {OneLine(message)}");

    /// <summary>Prints what there is to say against a size that was understood.</summary>
    public static void WarnOfSize(IToolConsole console, string program, string size)
    {
        if (SizeText.DeprecationOf(size) is { } warning)
        {
            Warn(console, program, warning);
        }
    }

    /// <summary>Prints what a graph tells a person.</summary>
    public static void Warn(IToolConsole console, string program, BlockEvent happened, CompatibilityProfile profile)
    {
        if (!ReferenceEquals(profile, CompatibilityProfile.Own))
        {
            WarnAsQemu(console, program, happened);
        }
        else if (happened is BlockWarning warning)
        {
            Warn(console, program, warning.Message);
        }
    }

    private static void WarnAsQemu(IToolConsole console, string program, BlockEvent happened)
    {
        switch (happened)
        {
            case ImageRepairStep step:
                console.Error.WriteLine(step.Message);
                break;
            case ImageRepaired:
                // Each step was told.
                break;
            case ImageCorrupted corrupted:
                console.Error.WriteLine(OneLine(corrupted.Message));
                break;
            case FormatGuessed guessed:
                // Scripts for QEMU's programs look for these three lines, or take them away.
                console.Error.WriteLine($"WARNING: Image format was not specified for '{guessed.FileName}' and probing guessed {guessed.DriverName}.");
                console.Error.WriteLine("         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.");
                console.Error.WriteLine($"         Specify the '{guessed.DriverName}' format explicitly to remove the restrictions.");
                break;
            case BitmapsLost loss:
                Print(console, program, loss.Message);
                break;
            case BlockWarning warning:
                Warn(console, program, warning.Message);
                break;
        }
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
