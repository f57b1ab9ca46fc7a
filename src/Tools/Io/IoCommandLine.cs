using System.CommandLine;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
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
        Option<bool> nativeAio = new("--native-aio", "-k") { Description = "the kernel's own asynchronous requests; short for -i native" };
        Option<string?> aio = new("--aio", "-i") { Description = "how requests are carried out: threads, native or io_uring", HelpName = "MODE" };
        Option<string?> cache = new("--cache", "-t") { Description = "none, directsync, writeback, writethrough or unsafe", HelpName = "MODE" };
        Option<string?> discard = new("--discard", "-d") { Description = "what becomes of discards: unmap or ignore", HelpName = "MODE" };
        Option<string?> format = new("--format", "-f") { Description = "the image's format; short for driver=FORMAT in OPTIONS", HelpName = "FORMAT" };
        Option<bool> snapshot = new("--snapshot", "-s") { Description = "write to a temporary overlay, which is gone afterwards" };
        Option<bool> copyOnRead = new("--copy-on-read", "-C") { Description = "copy what is read from backing files into the image" };
        Option<bool> misalign = new("--misalign", "-m") { Description = "use buffers that no file past the page cache can use as they are" };
        Option<bool> forceShare = new("--force-share", "-U") { Description = "share every permission with other users of the file; needs -r" };
        Option<string[]> objects = CreatedObjects.Option();
        Option<bool> virtualTime = CommonArguments.VirtualTime();
        Command command = new("io", "Open an image and carry out single requests: read, write, discard, flush, with patterns and timings.")
        {
            options, commands, objects, format, readOnly, snapshot, noCache, cache, discard, nativeAio, aio, copyOnRead, misalign, forceShare, virtualTime,
        };
        command.SetAction(parsed =>
        {
            string? text = parsed.GetValue(options);
            IoOpenMode mode = new()
            {
                IsReadOnly = parsed.GetValue(readOnly),
                IsForceShare = parsed.GetValue(forceShare),
                IsSnapshot = parsed.GetValue(snapshot),
                CopiesOnRead = parsed.GetValue(copyOnRead),
                CacheDirect = parsed.GetValue(noCache) ? true : null,
                Aio = parsed.GetValue(nativeAio) ? "native" : null,
            };
            mode = Set(mode, parsed.GetValue(cache), mode.WithCacheMode, "cache mode");
            mode = Set(mode, parsed.GetValue(discard), mode.WithDiscardMode, "discard mode");
            mode = Set(mode, parsed.GetValue(aio), mode.WithAio, "aio mode");
            IoRunner runner = new(
                IoSettings.Own with { MisalignsBuffers = parsed.GetValue(misalign) },
                text is null ? null : ReadOptions(text, parsed.GetValue(format)),
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

    private static OptionsDictionary ReadOptions(string text, string? format)
    {
        OptionsDictionary options = CommandOptions.Read(text);
        if (format is not null && options.ContainsKey("driver"))
        {
            throw new BlockException("-f and 'driver' in OPTIONS are mutually exclusive");
        }

        if (format is not null)
        {
            options["driver"] = format;
        }

        return options;
    }

    private static IoOpenMode Set(IoOpenMode mode, string? text, Func<string, IoOpenMode?> with, string what) =>
        text is null ? mode : with(text) ?? throw new BlockException($"unknown {what} '{text}' (try '{CalledName.Own} io --help')");
}
