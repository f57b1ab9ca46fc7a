using System.CommandLine;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Throttle.Explain;

/// <summary>The command line of <c>blockgraph throttle explain</c>.</summary>
internal static class ExplainCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        Argument<string> limits = new("OPTIONS") { Description = LimitsArgument.Description };
        Option<bool> json = CommonArguments.Json();
        Option<bool> ascii = ThrottleCommandLine.Ascii();
        Command command = new("explain", "Say what limits mean: what goes at once, how long bursts last, what binds, and what people do not expect.") { limits, json, ascii };
        command.SetAction(parsed =>
        {
            ThrottleExplanation explanation = ThrottleExplanation.Of(LimitsArgument.Read(parsed.GetRequiredValue(limits)));
            if (parsed.GetValue(json))
            {
                ExplanationJson.Print(console.Out, explanation);
            }
            else
            {
                ExplanationReport.Print(console.Out, explanation, !parsed.GetValue(ascii));
            }

            return 0;
        });
        return command;
    }
}
