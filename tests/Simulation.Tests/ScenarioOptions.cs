namespace BlockGraph.Simulation.Tests;

/// <summary>What happens in a whole-graph run beside reading and writing.</summary>
/// <param name="Seed">Decides the graph, the workload and every interleaving.</param>
/// <param name="UsesPlans">Whether requests skip layers that have nothing to do.</param>
/// <param name="HasTrouble">Whether storage fails, drains come, filters get work, observers and other users come and go.</param>
internal sealed record ScenarioOptions(int Seed, bool UsesPlans = true, bool HasTrouble = true);
