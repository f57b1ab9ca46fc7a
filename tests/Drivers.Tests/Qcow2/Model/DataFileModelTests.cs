using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Model;

/// <summary>Images whose data lie in a file of their own, against a byte array; a raw data file must be that array.</summary>
[TestFixture]
public sealed class DataFileModelTests
{
    private const int SeedCount = 25;
    private const int WorkerCount = 4;
    private const int RequestCount = 12;
    private const int RoundCount = 3;
    private const int Cluster = 4096;

    [Test]
    public void An_image_with_a_data_file_holds_what_was_written([Values] bool isRaw)
    {
        for (int seed = 1; seed <= TestSeeds.CountOr(SeedCount); seed++)
        {
            try
            {
                Live(seed, isRaw);
            }
            catch (Exception failure) when (failure is not AssertionException { Message: "" })
            {
                throw new AssertionException($"seed {seed}: {failure.Message}", failure);
            }
        }
    }

    [TestCase(RequestFlags.MayUnmap, true)]
    [TestCase(RequestFlags.None, false)]
    public void Zeros_give_space_of_the_data_file_back_where_they_may(RequestFlags flags, bool givesBack)
    {
        using GraphFixture fixture = new(drivers: [new Qcow2Driver()]);
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await OpenNewAsync(fixture, new Qcow2CreateOptions { LengthBytes = 8 * Cluster, ClusterBits = 12 }, isRaw: false);
            byte[] ones = new byte[8 * Cluster];
            Array.Fill(ones, (byte)1);
            await backend.WriteAsync(0, ones);
            await backend.WriteZeroesAsync(Cluster + 512, 4 * Cluster, flags);
            BlockStatus status = await backend.GetStatusAsync(2 * Cluster, 3 * Cluster);
            Assert.That((status.IsZero, status.HostChild is not null), Is.EqualTo((true, !givesBack)), "whether its zeros have a place");
            byte[] data = fixture.Faulty.Disk("data").Storage.Bytes;
            Assert.That(data.AsSpan(2 * Cluster, 3 * Cluster).ToArray(), Is.All.EqualTo(givesBack ? 0 : 1), "the clusters that are zeros as a whole");
            Assert.That(data.AsSpan(Cluster, 512).ToArray(), Is.All.EqualTo(1), "the rest of the first one");
        });
    }

    private static void Live(int seed, bool isRaw)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [new Qcow2Driver()]);
        SeededRandom chance = new((ulong)seed);
        int clusterBits = new[] { 9, 12, 14, 16 }[chance.Next(4)];
        int junkBytes = isRaw ? 0 : chance.Next(512 * 400);
        Qcow2CreateOptions options = new() { LengthBytes = 512 * (40 + chance.Next(300)), ClusterBits = clusterBits, HasExtendedL2 = clusterBits >= 14 && chance.OneIn(2) };
        ImageModel model = new(new byte[options.LengthBytes]);
        List<(ModelState Model, byte[] Image, byte[] Data, string When)> losses = [];
        fixture.Run(async () =>
        {
            fixture.Faulty.Disk("disk").DelayNsMax = 20_000;
            fixture.Faulty.Disk("data").DelayNsMax = 20_000;
            await using (BlockBackend backend = await OpenNewAsync(fixture, options, isRaw, junkBytes))
            {
                await ResizeAsync(backend, model, chance);
                await RequireAsync(backend, model, "at the beginning");
                for (int round = 0; round < RoundCount; round++)
                {
                    await Task.WhenAll([.. Workers(fixture, backend, model, chance, clusterBits), LosePowerAsync(fixture, model, chance, losses, round)]);
                    await RequireAsync(backend, model, $"after round {round}");
                    await backend.FlushAsync();
                    model.Flushed();
                    if (isRaw)
                    {
                        Assert.That(DataOf(fixture).AsSpan(0, model.Length).ToArray(), Is.EqualTo(model.Now(0, model.Length).ToArray()), $"the data file by itself after round {round}");
                    }

                    await ResizeAsync(backend, model, chance);
                    await RequireAsync(backend, model, $"longer or shorter after round {round}");
                }
            }

            ImageAudit audit = ImageAudit.Of(fixture.Faulty.Disk("disk").Storage.Bytes);
            Assert.That(audit.Errors.Concat(audit.Leaks).Take(5), Is.Empty, "closed");
            foreach ((ModelState state, byte[] image, byte[] data, string when) in losses)
            {
                await RequireAfterPowerLossAsync(fixture, state, image, data, when);
            }
        });
    }

    private static IEnumerable<Task> Workers(GraphFixture fixture, BlockBackend backend, ImageModel model, SeededRandom chance, int clusterBits)
    {
        int part = (model.Length / WorkerCount) | 1;
        for (int i = 0; i < WorkerCount; i++)
        {
            int end = i == WorkerCount - 1 ? model.Length : (i + 1) * part;
            ModelWorker worker = new(backend, model, new SeededRandom(chance.NextBits()), 1 << clusterBits, i * part, end) { Compresses = false };
            yield return fixture.ContextOf($"worker{i % 3}").RunAsync(() => worker.RunAsync(RequestCount));
        }
    }

    private static async Task ResizeAsync(BlockBackend backend, ImageModel model, SeededRandom chance)
    {
        int length = 512 * (40 + chance.Next(300));
        await backend.TruncateAsync(length, preallocation: length > model.Length ? Enum.GetValues<PreallocationMode>()[chance.Next(4)] : PreallocationMode.Off);
        await backend.FlushAsync();
        model.Replace(model.Resized(length));
    }

    private static async Task LosePowerAsync(GraphFixture fixture, ImageModel model, SeededRandom chance, List<(ModelState Model, byte[] Image, byte[] Data, string When)> losses, int round)
    {
        await AioContext.Current!.DelayAsync(chance.NextLong(400_000));
        losses.Add((model.AfterPowerLoss(), fixture.Faulty.Disk("disk").BytesAfterPowerLoss(chance), fixture.Faulty.Disk("data").BytesAfterPowerLoss(chance), $"without power in round {round}"));
    }

    private static async Task<BlockBackend> OpenNewAsync(GraphFixture fixture, Qcow2CreateOptions options, bool isRaw, int junkBytes = 0)
    {
        Qcow2CreateOptions withData = options with { DataFileName = "data", HasRawDataFile = isRaw };
        fixture.Faulty.Disk("disk").Storage.Replace(new Qcow2Layout(withData.CreateHeaderArea(), options.LengthBytes).ToArray());
        byte[] data = new byte[Math.Max(options.LengthBytes, junkBytes)];
        Array.Fill(data, (byte)0xee, 0, junkBytes);
        fixture.Faulty.Disk("data").Storage.Replace(data);
        return await fixture.OpenAsync("driver=qcow2,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk,data-file.driver=faulty,data-file.filename=data,data-file.discard=unmap");
    }

    private static byte[] DataOf(GraphFixture fixture) => fixture.Faulty.Disk("data").Storage.Bytes;

    private static async Task RequireAsync(BlockBackend backend, ImageModel model, string when)
    {
        byte[] bytes = new byte[model.Length];
        await backend.ReadAsync(0, bytes);
        int same = bytes.AsSpan().CommonPrefixLength(model.Now(0, model.Length));
        Assert.That(same, Is.EqualTo(model.Length), $"{when}, the image shows something else at {same}");
    }

    private static async Task RequireAfterPowerLossAsync(GraphFixture fixture, ModelState state, byte[] image, byte[] data, string when)
    {
        Assert.That(ImageAudit.Of(image).Errors.Take(5), Is.Empty, when);
        fixture.Memory.Storage("copy").Replace(image);
        fixture.Memory.Storage("copied-data").Replace(data);
        await using BlockBackend backend = await fixture.OpenAsync("driver=qcow2,file.driver=memory,file.filename=copy,data-file.driver=memory,data-file.filename=copied-data");
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        Assert.That(state.Difference(bytes), Is.Null, when);
    }
}
