using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace BlockGraph.Tools.Throttle;

/// <summary>The help of <c>blockgraph throttle simulate</c>: that of any command, then the forms of its files and examples.</summary>
internal sealed class SimulateHelp : SynchronousCommandLineAction
{
    private const string Words =
        """
        FILE is a JSON array of {"name", "limits", "members", "requests": [{"t_ns", "member", "kind", "bytes"}, ...]}; limits are the nineteen keys,
        kinds are read, write, write-zeroes, discard and flush; other fields are passed over. Requests are submitted at their t_ns, those of one
        instant in their order and before whoever is woken then. Printed is [{"name", "admitted_at_ns": [...]}, ...], in the order of the requests.

        CSV has a header that names its columns, in any order; others are passed over:
          t_ns, t_us, t_ms, t_s or time (in seconds)   when a request was made, with or without a fraction
          kind, op or rw                               read, write, write-zeroes, discard, flush, or r, w, z, d, f
          bytes or size                                how long it is: 4096, 4k
          member or device                             which node of the group made it; all of them one where there is no such column
        Blank lines and what begins with # do not count; fields may be quoted.

        Examples:
          blockgraph throttle simulate vectors.json
          blockgraph throttle simulate --trace boot.csv --limits iops-total=500,iops-total-max=2000,iops-total-max-length=5 --html boot.html


        """;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        ArgumentNullException.ThrowIfNull(parseResult);
        int exitCode = new HelpAction().Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.Write(Words);
        return exitCode;
    }
}
