using System.CommandLine;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>The command line of <c>blockgraph io</c>.</summary>
internal static class IoCommandLine
{
    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        Argument<string?> options = new("OPTIONS")
        {
            Description = "what to open: a file name, key=value,..., JSON in braces, or json:{...}; none to open it by command",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string[]> commands = new("--cmd", "-c")
        {
            Description = "a command, such as 'read -P 1 0 4k'; may be repeated; without it commands come from standard input ('help' lists them)",
            AllowMultipleArgumentsPerToken = false,
        };
        Option<bool> readOnly = new("--read-only", "-r") { Description = "open without write permission" };
        Option<bool> noCache = new("--nocache", "-n") { Description = "bypass the host's page cache" };
        Option<bool> forceShare = new("--force-share", "-U") { Description = "share every permission with other users of the file; needs -r" };
        Option<string[]> objects = CreatedObjects.Option();
        Option<bool> virtualTime = CommonArguments.VirtualTime();
        Command command = new("io", "Open an image and carry out single requests: read, write, discard, flush, with patterns and timings.")
        {
            options, commands, objects, readOnly, noCache, forceShare, virtualTime,
        };
        command.SetAction(parsed =>
        {
            string? text = parsed.GetValue(options);
            IoOpenMode mode = new()
            {
                IsReadOnly = parsed.GetValue(readOnly),
                IsForceShare = parsed.GetValue(forceShare),
                CacheDirect = parsed.GetValue(noCache) ? true : null,
            };
            IoRunner runner = new(
                IoSettings.Own,
                text is null ? null : CommandOptions.Read(text),
                null,
                mode,
                parsed.GetValue(commands) ?? [],
                parsed.GetValue(virtualTime))
            {
                Objects = parsed.GetValue(objects) ?? [],
            };
            return runner.Run(console);
        });
        return command;
    }
}
