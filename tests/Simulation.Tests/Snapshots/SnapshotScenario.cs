using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Snapshots;

/// <summary>
/// One run of a qcow2 image: workers on two contexts that know every byte; meanwhile snapshots are made and deleted, the version, the width of the reference counts and the
/// backing file that the image names are changed, sometimes half, and the node is drained and moves from one context to the other. In the end the last snapshot is what a
/// worker could have seen when it was made, and the image names the backing file that it was given last.
/// </summary>
internal sealed class SnapshotScenario : IDisposable
{
    private const int LengthBytes = 200 << 10;
    private const int WorkerCount = 6;
    private const int RequestCount = 25;
    private const int SnapshotCount = 6;

    private readonly GraphFixture _fixture;
    private readonly SeededRandom _chance;
    private readonly AioContext _other;
    private readonly byte[] _model = new byte[LengthBytes];

    // Writes under way, and those that were at any moment since a snapshot was asked for.
    private readonly List<(int Offset, int Length, byte Value)> _underWay = [];
    private List<(int Offset, int Length, byte Value)> _since = [];
    private byte[] _atSnapshot = [];
    private List<(int Offset, int Length, byte Value)> _aroundSnapshot = [];
    private BlockBackend _backend = null!;
    private int _workingCount = WorkerCount;

    // The graph stays as it is: what the image names shows only when it is opened again.
    private string? _backingName;

    /// <summary>How often something was amended.</summary>
    public int AmendedCount { get; private set; }

    /// <summary>How often it was not, because that was cancelled.</summary>
    public int CancelledCount { get; private set; }

    /// <summary>How often a snapshot was not made or deleted, because that was cancelled.</summary>
    public int CancelledSnapshotCount { get; private set; }

    /// <summary>How often it was refused.</summary>
    public int RefusedCount { get; private set; }

    public SnapshotScenario(int seed)
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = seed }, [new Qcow2Driver(), new RawDriver()]);
        _chance = new SeededRandom((ulong)seed);
        _other = _fixture.World.CreateContext("other");
    }

    /// <summary>Lives it.</summary>
    /// <returns>A hash of everything that has happened.</returns>
    public ulong Run()
    {
        _fixture.Run(async () =>
        {
            string clusterBytes = $"{512 << _chance.Next(6)}";
            await new ImageCreation(_fixture.Graph, "qcow2", "memory:disk").CreateAsync(new OptionsDictionary { ["size"] = (long)LengthBytes, ["cluster_size"] = clusterBytes });
            _backend = await _fixture.OpenAsync("driver=qcow2,node-name=top,discard=unmap,file.driver=memory,file.filename=disk,file.latency-ns-max=30000");
            List<Task> actors = [MakeSnapshotsAsync(), DrainAndMoveAsync(), AmendAsync()];
            for (int i = 0; i < WorkerCount; i++)
            {
                int part = LengthBytes / WorkerCount / 7 * 7;
                AioContext home = i % 2 == 0 ? _fixture.Context : _other;
                SeededRandom chance = new(_chance.NextBits());
                (int start, int end) = (i * part, i == WorkerCount - 1 ? LengthBytes : (i + 1) * part);
                actors.Add(home.RunAsync(() => WorkAsync(home, chance, start, end)));
            }

            await Task.WhenAll(actors);
            await ConcludeAsync();
        });
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "every node is closed");
        return _fixture.World.EventHash;
    }

    public void Dispose() => _fixture.Dispose();

    private async Task WorkAsync(AioContext home, SeededRandom chance, int start, int end)
    {
        for (int i = 0; i < RequestCount; i++)
        {
            int offset = start + chance.Next(end - start);
            int length = 1 + chance.Next(Math.Min(9000, end - offset));
            byte value = (byte)chance.Next(256);
            if (chance.OneIn(3))
            {
                byte[] read = new byte[length];
                await _backend.ReadAsync(offset, read);
                Assert.That(read.AsSpan().SequenceEqual(_model.AsSpan(offset, length)), $"a read of {offset}+{length}");
            }
            else
            {
                await WriteAsync(offset, length, chance.OneIn(4) ? (byte)0 : value);
            }

            await home.DelayAsync(chance.NextLong(80_000));
        }

        Interlocked.Decrement(ref _workingCount);
    }

    private async Task WriteAsync(int offset, int length, byte value)
    {
        _underWay.Add((offset, length, value));
        _since.Add((offset, length, value));
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        await (value == 0 ? _backend.WriteZeroesAsync(offset, length, RequestFlags.MayUnmap) : _backend.WriteAsync(offset, bytes));
        bytes.CopyTo(_model, offset);
        _underWay.Remove((offset, length, value));
    }

    private async Task MakeSnapshotsAsync()
    {
        for (int i = 0; i < SnapshotCount; i++)
        {
            await _fixture.Context.DelayAsync(_chance.NextLong(400_000));
            if (i > 0)
            {
                await UntilDoneAsync(cancel => _backend.DeleteSnapshotAsync(Find($"s{i - 1}"), cancel));
            }

            await UntilDoneAsync(cancel =>
            {
                // Whatever is under way, or begins until it is made, may be in it or not.
                (_atSnapshot, _since) = ((byte[])_model.Clone(), [.. _underWay]);
                return _backend.CreateSnapshotAsync(new ImageSnapshot("", $"s{i}"), cancel);
            });
            _aroundSnapshot = [.. _since];
        }
    }

    // Cancelled, it has not been done: it is begun anew.
    private async Task UntilDoneAsync(Func<CancellationToken, Task> change)
    {
        for (bool isDone = false; !isDone;)
        {
            using CancellationTokenSource cancel = new();
            Task changing = change(cancel.Token);
            if (_chance.OneIn(3))
            {
                await _fixture.Context.DelayAsync(_chance.NextLong(400_000));
                await cancel.CancelAsync();
            }

            try
            {
                await changing;
                isDone = true;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                CancelledSnapshotCount++;
            }
        }
    }

    // Version 2 has counts of 16 bits only: one change of two may be refused, and changes nothing then.
    private async Task AmendAsync()
    {
        SeededRandom chance = new(_chance.NextBits());
        while (Volatile.Read(ref _workingCount) > 0)
        {
            await _fixture.Context.DelayAsync(100_000 + chance.NextLong(400_000));
            string? newBacking = null;
            OptionsDictionary options = chance.Next(5) switch
            {
                4 => GraphFixture.Options($"backing_file={newBacking = chance.Next(3) switch { 0 => "", 1 => "memory:a", _ => "memory:b" }}{(newBacking.Length == 0 ? "" : ",backing_fmt=raw")}"),
                0 => new() { ["compat"] = chance.OneIn(2) ? "0.10" : "1.1" },
                1 => new() { ["lazy_refcounts"] = chance.OneIn(2) },
                _ => new() { ["refcount_bits"] = (long)(8 << chance.Next(4)) },
            };
            using CancellationTokenSource cancel = new();
            Task amending = _backend.AmendAsync(options, cancel: cancel.Token);
            if (chance.OneIn(3))
            {
                await _fixture.Context.DelayAsync(chance.NextLong(200_000));
                await cancel.CancelAsync();
            }

            try
            {
                await amending;
                AmendedCount++;
                _backingName = newBacking is null ? _backingName : newBacking.Length == 0 ? null : newBacking;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                CancelledCount++;
            }
            catch (BlockException refusal) when (refusal.Kind != BlockErrorKind.InputOutput)
            {
                RefusedCount++;
            }
        }
    }

    private async Task DrainAndMoveAsync()
    {
        bool isAway = false;
        while (Volatile.Read(ref _workingCount) > 0)
        {
            await _fixture.Context.DelayAsync(100_000 + _chance.NextLong(300_000));
            if (_chance.OneIn(2))
            {
                await using (await DrainScope.BeginAsync(_backend.Root!, DrainReach.Subtree))
                {
                    await _fixture.Context.DelayAsync(_chance.NextLong(50_000));
                }
            }
            else
            {
                isAway = !isAway;
                await _backend.MoveAsync(isAway ? _other : _fixture.Context);
            }
        }
    }

    private async Task ConcludeAsync()
    {
        Assert.That((await ReadAllAsync()).AsSpan().SequenceEqual(_model), "the image is what the workers know");
        await _backend.ApplySnapshotAsync(Find($"s{SnapshotCount - 1}"));
        byte[] then = await ReadAllAsync();
        int strange = Enumerable.Range(0, LengthBytes).Count(place => then[place] != _atSnapshot[place]
            && !_aroundSnapshot.Exists(write => place >= write.Offset && place < write.Offset + write.Length && write.Value == then[place]));
        Assert.That(strange, Is.Zero, "bytes of the snapshot that nobody had written");
        foreach (long bytesMax in new[] { new ImageCheckRequest().CountBytesMax, 1 })
        {
            ImageCheck check = await _backend.CheckAsync(new ImageCheckRequest { CountBytesMax = bytesMax });
            Assert.That((check.CorruptionCount, check.LeakCount), Is.EqualTo((0L, 0L)), $"corruptions and leaks, counted in {bytesMax} bytes");
        }

        await _backend.DisposeAsync();
        await using BlockBackend again = await _fixture.OpenAsync("driver=qcow2,file.driver=memory,file.filename=disk");
        Assert.That((again.Root!.Instance.BackingFileName, again.Root.CowChild?.Node.ShownFileName), Is.EqualTo((_backingName, _backingName)), "the backing file");
    }

    private ImageSnapshot Find(string name) => _backend.Root!.Instance.Snapshots!.All.Single(snapshot => snapshot.Name == name);

    private async Task<byte[]> ReadAllAsync()
    {
        byte[] bytes = new byte[LengthBytes];
        await _backend.ReadAsync(0, bytes);
        return bytes;
    }
}
