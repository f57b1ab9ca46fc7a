using System.Globalization;
using NUnit.Framework;

namespace BlockGraph.TestKit;

/// <summary>Runs of a scenario by seeds, of which the environment variable <c>BLOCKGRAPH_SEEDS</c> may ask for more or fewer.</summary>
public static class TestSeeds
{
    private const string Variable = "BLOCKGRAPH_SEEDS";

    /// <summary>How many there shall be: <paramref name="defaultCount"/>, unless the environment says otherwise.</summary>
    public static int CountOr(int defaultCount) =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } count ? int.Parse(count, CultureInfo.InvariantCulture) : defaultCount;

    /// <summary>Runs the seeds from 1 on.</summary>
    /// <exception cref="AssertionException">One has failed; the message names it.</exception>
    public static void ForEach(int count, Action<int> run)
    {
        ArgumentNullException.ThrowIfNull(run);
        for (int seed = 1; seed <= count; seed++)
        {
            try
            {
                run(seed);
            }
            catch (Exception failure)
            {
                throw new AssertionException($"seed {seed}: {failure.Message}", failure);
            }
        }
    }
}
