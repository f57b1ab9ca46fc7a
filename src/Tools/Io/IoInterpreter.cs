using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Io;

/// <summary>Runs lines of io commands. A line that is wrong is told and passed over; what comes after it still runs.</summary>
internal sealed class IoInterpreter(IoSession session)
{
    private static readonly char[] s_blanks = [' ', '\t'];

    /// <summary>True where every line so far has succeeded.</summary>
    public bool HasSucceeded { get; private set; } = true;

    /// <summary>Runs one line. Requests that are only submitted by it are not waited for.</summary>
    public async ValueTask RunAsync(string line)
    {
        // By the well-known name a tabulator is a character like any other.
        string[] words = line.Split(session.Settings.FollowsTexts ? s_blanks[..1] : s_blanks, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0 && !await RunAsync(words[0], words[1..]))
        {
            HasSucceeded = false;
        }
    }

    private async ValueTask<bool> RunAsync(string name, string[] arguments)
    {
        if (Check(name, arguments) is not { } command
            || (command.NeedsWrite && !await session.TryMakeWritableAsync()))
        {
            return false;
        }

        if (IoSwitches.Read(session, command, name, arguments, out bool result) is not { } switches)
        {
            return result;
        }

        if (command.OperandCount is { } count && switches.Operands.Count != count)
        {
            session.Out.WriteLine(command.UsageLine(session.Settings));
            return false;
        }

        try
        {
            return await command.RunAsync(session, switches);
        }
        catch (BlockException failure)
        {
            IoReport.PrintFailure(session.Out, command.Name, failure);
            return false;
        }
    }

    private IoCommand? Check(string name, string[] arguments)
    {
        IoCommand? command = IoCommandTable.Find(name);
        string? error = command switch
        {
            null => $"command \"{name}\" not found{Suggestion(name)}",
            { NeedsImage: true } when !session.IsOpen => "no file open, try 'help open'",
            _ when arguments.Length < command.ArgumentCountMin || arguments.Length > command.ArgumentCountMax =>
                $"bad argument count {arguments.Length} to {name}, expected {CountText(command)} arguments",
            _ => null,
        };
        if (error is null)
        {
            return command;
        }

        session.Error.WriteLine(error);
        return null;
    }

    private string Suggestion(string name) =>
        !session.Settings.FollowsTexts && NearestText.Find(name, IoCommandTable.All.Select(command => command.Name)) is { } nearest
            ? $" (did you mean '{nearest}'?)"
            : "";

    private static string CountText(IoCommand command) =>
        command.ArgumentCountMax == IoCommand.Unbounded ? $"at least {command.ArgumentCountMin}"
        : command.ArgumentCountMax == command.ArgumentCountMin ? $"{command.ArgumentCountMin}"
        : $"between {command.ArgumentCountMin} and {command.ArgumentCountMax}";
}
