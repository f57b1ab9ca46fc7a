using System.CommandLine;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>The command line of <c>blockgraph img</c>.</summary>
internal static class ImgCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console) => new("img", "Work on images, with the options of qemu-img's commands.")
    {
        ImgBenchCommandLine.Create(console),
    };
}
