namespace BlockGraph.Tools.Io;

/// <summary>The commands, by name and by alias.</summary>
internal static class IoCommandTable
{
    /// <summary>Every command, in alphabetical order.</summary>
    public static IReadOnlyList<IoCommand> All { get; } =
    [
        new AbortCommand(),
        new AioFlushCommand(),
        new AioReadCommand(),
        new AioWriteCommand(),
        new AllocCommand(),
        new BreakCommand(),
        new CloseCommand(),
        new DiscardCommand(),
        new FlushCommand(),
        new HelpCommand(),
        new InfoCommand(),
        new LengthCommand(),
        new MapCommand(),
        new OpenCommand(),
        new QuitCommand(),
        new ReadCommand(),
        new ReadvCommand(),
        new RemoveBreakCommand(),
        new ReopenCommand(),
        new ResumeCommand(),
        new SigraiseCommand(),
        new SleepCommand(),
        new TruncateCommand(),
        new WaitBreakCommand(),
        new WriteCommand(),
        new WritevCommand(),
    ];

    /// <summary>The command called <paramref name="name"/>, or null.</summary>
    public static IoCommand? Find(string name) => All.FirstOrDefault(command => command.Name == name || command.Alias == name);
}
