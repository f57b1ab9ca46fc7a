using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>
/// One run: workers that each own a part of the image write and read it; child a lies and fails, or, in chaos, any child does; other
/// children are added with nonsense in them, and removed again.
/// </summary>
internal sealed class QuorumScenario(GraphFixture world, int childCount, int threshold, bool rewrites)
{
    private const int WorkerCount = 4;
    private const int RoundCount = 25;
    private const int PartBytes = 4096;
    private const int LatencyNsMax = 100_000;
    private const string Names = "abcdefgh";

    private readonly byte[] _model = new byte[WorkerCount * PartBytes];
    private BlockBackend _backend = null!;
    private bool _hasMajority;

    /// <summary>How many reads were tried.</summary>
    public int ReadCount { get; private set; }

    /// <summary>How many requests failed.</summary>
    public int RefusedCount { get; private set; }

    /// <summary>What came of it, to tell one run from another.</summary>
    public string Summary => $"{ReadCount} reads, {RefusedCount} refused, {world.World.EventHash}";

    public static GraphFixture NewWorld(int seed) => new(new SimulationOptions { Seed = seed }, [new QuorumDriver()]);

    /// <summary>Runs it. With a majority only child a, and those that are added, are unsound: then the model is exact.</summary>
    public void Run(bool hasMajority) => world.Run(async () =>
    {
        _hasMajority = hasMajority;
        OptionsDictionary options = new() { { "driver", "quorum" }, { "node-name", "q" }, { "vote-threshold", $"{threshold}" }, { "rewrite-corrupted", rewrites } };
        for (int i = 0; i < childCount; i++)
        {
            Storage(i);
            options[$"children.{i}.driver"] = "memory";
            options[$"children.{i}.filename"] = $"{Names[i]}";
            options[$"children.{i}.latency-ns-max"] = $"{LatencyNsMax}";
        }

        _backend = await world.Graph.OpenAsync(options);
        Task[] actors = [.. Enumerable.Range(0, WorkerCount).Select(WorkAsync), ChangeChildrenAsync(), FailAsync()];
        await Task.WhenAll(actors);
        for (int i = 0; i < Names.Length; i++)
        {
            Storage(i).FailWith(RequestKind.Read, null);
        }

        if (_hasMajority)
        {
            byte[] read = new byte[_model.Length];
            await _backend.ReadAsync(0, read);
            Assert.That(read.AsSpan().SequenceEqual(_model), Is.True, "at the end the image is what the workers know");
        }

        Assert.That(_backend.InFlightCount, Is.Zero, "nothing is in flight");
        await _backend.DisposeAsync();
    });

    private MemoryStorage Storage(int index) => world.Memory.Storage($"{Names[index]}", WorkerCount * PartBytes);

    private async Task WorkAsync(int worker)
    {
        int start = worker * PartBytes;
        for (int round = 0; round < RoundCount; round++)
        {
            int offset = start + world.World.Chance.Next(PartBytes - 1);
            int length = 1 + world.World.Chance.Next(start + PartBytes - offset);
            try
            {
                await ActAsync(offset, length);
            }
            catch (BlockException error) when (error.Kind == BlockErrorKind.InputOutput)
            {
                RefusedCount++;
            }
        }
    }

    private async Task ActAsync(int offset, int length)
    {
        switch (world.World.Chance.Next(10))
        {
            case < 4:
                await ReadAsync(offset, length);
                break;
            case < 7:
                byte[] bytes = new byte[length];
                Array.Fill(bytes, (byte)(1 + world.World.Chance.Next(200)));
                await _backend.WriteAsync(offset, bytes);
                bytes.CopyTo(_model, offset);
                break;
            case 7:
                await _backend.WriteZeroesAsync(offset, length);
                _model.AsSpan(offset, length).Clear();
                break;
            case 8:
                await _backend.FlushAsync();
                break;
            default:
                // The part is the worker's own: nobody reads or writes it now.
                int liar = _hasMajority ? 0 : world.World.Chance.Next(childCount);
                Storage(liar).Bytes.AsSpan(offset, length).Fill((byte)(201 + world.World.Chance.Next(50)));
                break;
        }
    }

    private async Task ReadAsync(int offset, int length)
    {
        ReadCount++;
        byte[] read = new byte[length];
        await _backend.ReadAsync(offset, read);
        int holderCount = Enumerable.Range(0, Names.Length).Count(i => Storage(i).Bytes.AsSpan(offset, length).SequenceEqual(read));
        Assert.That(holderCount, Is.GreaterThanOrEqualTo(threshold), $"children that hold what was read at {offset}+{length}");
        if (_hasMajority)
        {
            Assert.That(read.AsSpan().SequenceEqual(_model.AsSpan(offset, length)), Is.True, $"what was read at {offset}+{length} is what was written");
        }
    }

    // One child is added, full of nonsense of its own, and one that was added before is removed.
    private async Task ChangeChildrenAsync()
    {
        BlockNode quorum = _backend.Root!;
        for (int i = childCount; i < Names.Length; i++)
        {
            Storage(i).Bytes.AsSpan().Fill((byte)(251 + (i % 5)));
            await world.Context.DelayAsync(world.World.Chance.NextLong(10 * LatencyNsMax));
            BlockNode node = await world.AddAsync($"driver=memory,filename={Names[i]},node-name={Names[i]},latency-ns-max={LatencyNsMax}");
            await world.Graph.ApplyAsync(GraphEdit.AddChild(quorum, node));
            Assert.That(quorum.Children, Has.Count.EqualTo(childCount + 1), "one more");
            await world.Context.DelayAsync(world.World.Chance.NextLong(10 * LatencyNsMax));
            await world.Graph.ApplyAsync(GraphEdit.RemoveChild(quorum, quorum.Children[^1].Name));
            await world.Graph.RemoveNodeAsync($"{Names[i]}");
        }
    }

    private async Task FailAsync()
    {
        for (int i = 0; i < 12; i++)
        {
            await world.Context.DelayAsync(world.World.Chance.NextLong(5 * LatencyNsMax));
            MemoryStorage storage = Storage(_hasMajority ? 0 : world.World.Chance.Next(childCount));
            storage.FailWith((RequestKind)world.World.Chance.Next(RequestKinds.Count), BlockErrorKind.InputOutput);
            await world.Context.DelayAsync(world.World.Chance.NextLong(5 * LatencyNsMax));
            storage.FailWith(RequestKind.Read, null);
        }
    }
}
