using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>One call of an image command: where it runs, by which name it was called, and what it is to work on.</summary>
/// <param name="World">The graph.</param>
/// <param name="Console">Where it prints.</param>
/// <param name="Name">What depends on the name that the program was called by.</param>
/// <param name="Operands">What is no option, in the order given.</param>
internal sealed record ImgCall(ToolWorld World, IToolConsole Console, ImgName Name, IReadOnlyList<string> Operands)
{
    /// <summary>Where results go.</summary>
    public TextWriter Out => Console.Out;

    /// <summary>Prints an error behind the program's name, and returns exit code 1.</summary>
    public int Fail(string message) => Complaint.Print(Console, Name.Program, message);

    /// <summary>Tells of an option string that is written in an old way.</summary>
    public void Warn(OptionWarning warning)
    {
        Complaint.Warn(Console, Name.Program, warning.Message);
        Console.Error.WriteLine(warning.Hint);
    }
}
