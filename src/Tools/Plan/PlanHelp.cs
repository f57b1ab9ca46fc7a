using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace BlockGraph.Tools.Plan;

/// <summary>The help of <c>blockgraph plan</c>: that of any command, then the changes and examples.</summary>
internal sealed class PlanHelp : SynchronousCommandLineAction
{
    private const string Words =
        """

        NODE is the node-name of a node, or the name of a backend for its root node. USER is the name of a backend, or a node that one backend uses.
        OPTIONS are key=value,... or JSON in braces. PERMISSION is read-only, write, resize, may=BITS or share=BITS, where BITS are of consistent-read,
        write, write-unchanged and resize, joined by '+', or all, or none. A new user asks for reading and writing, and lets nobody else write.

        Examples:
          blockgraph plan driver=raw,node-name=disk,file.filename=t.img "attach-backend disk write"
          blockgraph plan driver=raw,node-name=disk,file.filename=t.img "insert-filter driver=throttle,limits.iops-total=100 over disk"
          blockgraph plan driver=raw,node-name=disk,file.filename=t.img "set-permissions disk read-only" "reopen disk read-only=on"
          blockgraph plan --blockdev driver=null-co,node-name=b,size=1M driver=null-co,node-name=a,size=1M "replace a by b"

        The exit code is 0 where the changes are possible, and 1 where something stands against them.

        """;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        ArgumentNullException.ThrowIfNull(parseResult);
        int exitCode = new HelpAction().Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        TextTable table = new();
        foreach (ChangeVerb verb in ChangeVerbs.All)
        {
            table.Add(verb.Usage, verb.Summary);
        }

        output.WriteLine("Changes:");
        table.Print(output, "  ");
        output.Write(Words);
        return exitCode;
    }
}
