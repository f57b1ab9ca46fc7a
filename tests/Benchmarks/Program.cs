using BlockGraph.Benchmarks;

if (args.Length == 0 || Array.Find(BenchmarkCommands.All, c => c.Name == args[0]) is not { } command)
{
    Console.Error.WriteLine(args.Length == 0 ? "a command is missing" : $"unknown command: {args[0]}");
    BenchmarkCommands.PrintUsage(Console.Error);
    return 1;
}

try
{
    return command.Run(args[1..]);
}
catch (ArgumentException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
