namespace BlockGraph.Tools.Io;

/// <summary>The commands, by name and by alias.</summary>
internal static class IoCommandTable
{
    /// <summary>Every command, in alphabetical order.</summary>
    public static IReadOnlyList<IoCommand> All { get; } =
    [
        new AioFlushCommand(),
        new AioReadCommand(),
        new AioWriteCommand(),
        new CloseCommand(),
        new DiscardCommand(),
        new FlushCommand(),
        new HelpCommand(),
        new InfoCommand(),
        new LengthCommand(),
        new OpenCommand(),
        new QuitCommand(),
        new ReadCommand(),
        new ReadvCommand(),
        new SleepCommand(),
        new WriteCommand(),
        new WritevCommand(),
    ];

    /// <summary>The command called <paramref name="name"/>, or null.</summary>
    public static IoCommand? Find(string name) => All.FirstOrDefault(command => command.Name == name || command.Alias == name);
}
