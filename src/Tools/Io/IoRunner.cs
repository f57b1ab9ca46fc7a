using System.Globalization;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Io;

/// <summary>Runs the io command: opens the image, feeds the commands to it, and finishes what they have submitted.</summary>
/// <param name="Settings">What depends on the name that the program was called by.</param>
/// <param name="Options">What to open first; null for nothing.</param>
/// <param name="FileName">The file name to name in a failure to open.</param>
/// <param name="Mode">How to open it.</param>
/// <param name="Commands">The commands; where there are none they come from standard input.</param>
/// <param name="IsVirtualTime">Whether time is simulated.</param>
internal sealed record IoRunner(
    IoSettings Settings, OptionsDictionary? Options, string? FileName, IoOpenMode Mode, IReadOnlyList<string> Commands, bool IsVirtualTime)
{
    private const decimal NsPerMillisecond = 1_000_000m;

    /// <summary>The objects to create before anything is opened.</summary>
    public IReadOnlyList<string> Objects { get; init; } = [];

    /// <summary>Runs everything and returns the exit code: 0 where every command has succeeded.</summary>
    public int Run(IToolConsole console) =>
        ToolWorld.Run(Settings.Profile, IsVirtualTime, warning => Complaint.Warn(console, Settings.Program, warning, Settings.Profile), world => RunAsync(world, console));

    private async Task<int> RunAsync(ToolWorld world, IToolConsole console)
    {
        if (!await CreatedObjects.TryCreateAsync(world, console, Objects))
        {
            return 0;
        }

        IoSession session = new(world, console, Settings);
        using IDisposable suspensions = session.WatchSuspensions();
        if (Options is not null && !await session.TryOpenAsync(Options, Mode, FileName))
        {
            return 1;
        }

        IoInterpreter interpreter = new(session);
        long elapsedNs;
        try
        {
            await (Commands.Count > 0 ? RunGivenAsync(session, interpreter) : RunInputAsync(world, console, session, interpreter));
            await session.FinishAsync();
            elapsedNs = world.Context.NowNs;
        }
        finally
        {
            await session.CloseAsync();
        }

        if (IsVirtualTime)
        {
            console.Out.WriteLine($"virtual time: {(elapsedNs / NsPerMillisecond).ToString("0.######", CultureInfo.InvariantCulture)} ms");
        }

        return interpreter.HasSucceeded ? 0 : 1;
    }

    private async Task RunGivenAsync(IoSession session, IoInterpreter interpreter)
    {
        foreach (string command in Commands)
        {
            if (session.IsQuitting)
            {
                break;
            }

            await interpreter.RunAsync(command);
        }
    }

    private async Task RunInputAsync(ToolWorld world, IToolConsole console, IoSession session, IoInterpreter interpreter)
    {
        bool prompts = console.IsInputTerminal || Settings.AlwaysPrompts;
        LineFeed feed = new(console.In, world.IsVirtualTime ? null : world.Context);
        while (!session.IsQuitting)
        {
            if (prompts)
            {
                console.Out.Write($"{Settings.Program}> ");
                console.Out.Flush();
            }

            if (await feed.ReadLineAsync() is not { } line)
            {
                break;
            }

            await interpreter.RunAsync(line);
        }

        if (console.IsInputTerminal && !session.IsQuitting)
        {
            console.Out.WriteLine();
        }
    }
}
