using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Benchmarks;

/// <summary>
/// A small workload in a simulated world: four callers over a throttled raw image in memory, and drains between their requests.
/// The hash of its events is the same in every process, which a test compares.
/// </summary>
internal static class SimulateCommand
{
    private const string Options =
        "driver=throttle,limits.iops-total=5000,limits.bps-write=20000000,file.driver=raw,file.offset=4096,file.size=512K,"
        + "file.file.driver=memory,file.file.filename=disk,file.file.align=512,file.file.latency-ns-max=400000";

    private const int CallerCount = 4;
    private const int RequestsPerCaller = 60;
    private const int SectorBytes = 512;

    public static int Run(string[] args)
    {
        if (args.Length != 1 || !int.TryParse(args[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int seed))
        {
            throw new ArgumentException("simulate wants one number: the seed");
        }

        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new ThrottleFilterDriver(), new RawDriver()]);
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await fixture.Graph.OpenAsync(KeyvalParser.Parse(Options));
            await Task.WhenAll([.. Enumerable.Range(0, CallerCount).Select(i => CallAsync(fixture, backend, i)), DrainNowAndThenAsync(fixture, backend)]);
        });
        Console.WriteLine($"seed {seed} hash {fixture.World.EventHash:x16}");
        return 0;
    }

    private static async Task CallAsync(GraphFixture fixture, BlockBackend backend, int caller)
    {
        SeededRandom chance = fixture.World.Chance;
        for (int i = 0; i < RequestsPerCaller; i++)
        {
            // Any length and place: some requests are unaligned, overlap, and wait for each other.
            byte[] data = new byte[1 + chance.Next(16 * SectorBytes)];
            long offset = chance.NextLong(backend.LengthBytes - data.Length);
            if (chance.OneIn(2))
            {
                data.AsSpan().Fill((byte)(caller + 1));
                await backend.WriteAsync(offset, data);
            }
            else
            {
                await backend.ReadAsync(offset, data);
            }

            fixture.World.Record(offset + data[0]);
        }
    }

    private static async Task DrainNowAndThenAsync(GraphFixture fixture, BlockBackend backend)
    {
        for (int i = 0; i < 5; i++)
        {
            await fixture.Context.DelayAsync(1 + fixture.World.Chance.NextLong(4_000_000));
            await using DrainScope scope = await backend.DrainAsync();
            fixture.World.Record(fixture.Context.NowNs);
        }
    }
}
