return BlockGraph.Simulation.Tests.Storm.StormCommand.Run(args, Console.Out, Console.Error);
