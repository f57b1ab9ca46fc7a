using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>
/// Seeded runs of a throttled file in virtual time: several clients, each with a region of its own, against a model of its bytes;
/// workers take random times, drains come between, writers come and go. Faults: none; every byte must be right.
/// </summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileSimulationTests(string engine) : FileDriverFixture(engine)
{
    private const int SeedCount = 12;
    private const int ClientCount = 4;
    private const int RegionBytes = 40_000;
    private const int OperationCount = 40;

    private static readonly string[] s_stacks =
    [
        "driver=throttle,file.filename=*,limits.iops-total=5000,throttle-group=g",
        "driver=throttle,discard=unmap,file.driver=raw,file.file.filename=*,limits.bps-write=4000000,limits.iops-read=3000",
        "driver=raw,discard=unmap,auto-read-only=on,file.driver=throttle,file.file.driver=file,file.file.filename=*,file.limits.iops-total=8000",
    ];

    [Test]
    public void A_throttled_file_under_drains_keeps_every_byte([Range(1, SeedCount)] int seed)
    {
        string path = MakeSparseFile("a.img", ClientCount * RegionBytes);
        ulong first = RunSeed(path, seed);
        File.Delete(path);
        MakeSparseFile("a.img", ClientCount * RegionBytes);
        Assert.That(RunSeed(path, seed), Is.EqualTo(first), $"seed {seed} means the same run again");
    }

    private ulong RunSeed(string path, int seed)
    {
        GraphFixture world = AddWorld(new SimulationOptions { Seed = seed });
        byte[] model = new byte[ClientCount * RegionBytes];
        world.Run(async () =>
        {
            string options = s_stacks[seed % s_stacks.Length].Replace("*", path, StringComparison.Ordinal);
            await using BlockBackend backend = await OpenAsync(world.Graph, options);
            Task[] clients = [.. Enumerable.Range(0, ClientCount).Select(client => RunClientAsync(world, backend, model, client, seed))];
            Task drains = DrainNowAndThenAsync(world, backend, seed);
            await Task.WhenAll([.. clients, drains]);
            byte[] copy = new byte[model.Length];
            await backend.ReadAsync(0, copy);
            Assert.That(copy.AsSpan().SequenceEqual(model), $"seed {seed}: the image against the model");
            Assert.That(backend.InFlightCount, Is.Zero, $"seed {seed}: nothing is in flight");
        });
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(model), $"seed {seed}: the file against the model");
        Assert.That(OpenDescriptorCount(), Is.Zero, $"seed {seed}: the file is closed");
        return world.World.EventHash;
    }

    private static async Task RunClientAsync(GraphFixture world, BlockBackend backend, byte[] model, int client, int seed)
    {
        SeededRandom chance = new((ulong)((seed * 1000) + client));
        for (int i = 0; i < OperationCount; i++)
        {
            int offset = chance.Next(RegionBytes);
            int length = 1 + chance.Next(Math.Min(RegionBytes - offset, 9000));
            Memory<byte> expected = model.AsMemory((client * RegionBytes) + offset, length);
            await RunOperationAsync(backend, chance, expected, (client * RegionBytes) + offset, $"seed {seed}, client {client}, operation {i}");
            if (chance.OneIn(5))
            {
                await world.Context.DelayAsync(chance.NextLong(2_000_000));
            }
        }
    }

    private static async Task RunOperationAsync(BlockBackend backend, SeededRandom chance, Memory<byte> expected, long at, string when)
    {
        switch (chance.Next(8))
        {
            case 0:
                await backend.FlushAsync();
                break;
            case 1:
                await backend.WriteZeroesAsync(at, expected.Length, chance.OneIn(2) ? RequestFlags.MayUnmap : RequestFlags.None);
                expected.Span.Clear();
                break;
            case 2:
                // What a discarded range reads as is the storage's affair: it is written at once.
                await backend.DiscardAsync(at, expected.Length);
                await backend.WriteAsync(at, expected.ToArray(), RequestFlags.Fua);
                break;
            case < 6:
                byte[] data = Pattern(expected.Length, (int)(chance.NextBits() & 0xFFFFFF));
                await backend.WriteAsync(at, data);
                data.CopyTo(expected);
                break;
            default:
                byte[] copy = new byte[expected.Length];
                await backend.ReadAsync(at, copy);
                Assert.That(copy.AsSpan().SequenceEqual(expected.Span), $"{when}: {expected.Length} bytes at {at}");
                break;
        }
    }

    private async Task DrainNowAndThenAsync(GraphFixture world, BlockBackend backend, int seed)
    {
        SeededRandom chance = new(~(ulong)seed);
        for (int i = 0; i < 10; i++)
        {
            await world.Context.DelayAsync(chance.NextLong(4_000_000));
            await using (await backend.DrainAsync())
            {
                Assert.That(backend.InFlightCount, Is.Zero, $"seed {seed}, drain {i}: nothing is in flight");
                await world.Context.DelayAsync(chance.NextLong(500_000));
                Assert.That(backend.InFlightCount, Is.Zero, $"seed {seed}, drain {i}: and nothing begins");
            }

            if (chance.OneIn(3))
            {
                await using BlockBackend reader = await world.Graph.AttachBackendAsync(backend.Root!, new BackendOptions { ReadOnly = true });
                await reader.ReadAsync(0, new byte[512]);
            }
        }

        Assert.That(OpenDescriptorCount(), Is.EqualTo(1), $"seed {seed}: one descriptor, whatever came and went");
    }
}
