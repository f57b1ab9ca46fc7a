using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Bitmaps;

/// <summary>
/// One run of a qcow2 image with bitmaps: workers on two contexts write it; meanwhile it is backed up, again and again, by what a bitmap says, whose successor follows
/// writes, other bitmaps come, go and are merged, all are stored, the node is drained and moves from one context to the other. At last the image is closed and opened: with
/// a backup of what the bitmap says then, the copy is the image.
/// </summary>
internal sealed class BitmapScenario : IDisposable
{
    private const int LengthBytes = 200 << 10;
    private const int WorkerCount = 4;
    private const int RequestCount = 25;

    private readonly GraphFixture _fixture;
    private readonly SeededRandom _chance;
    private readonly AioContext _other;
    private readonly byte[] _model = new byte[LengthBytes];
    private readonly byte[] _backup = new byte[LengthBytes];
    private BlockBackend _backend = null!;
    private int _workingCount = WorkerCount;

    public BitmapScenario(int seed)
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = seed }, [new Qcow2Driver(), new RawDriver()]);
        _chance = new SeededRandom((ulong)seed);
        _other = _fixture.World.CreateContext("other");
    }

    private BlockNode Node => _backend.Root!;

    /// <summary>Lives it.</summary>
    /// <returns>A hash of everything that has happened.</returns>
    public ulong Run()
    {
        _fixture.Run(async () =>
        {
            string clusterBytes = $"{512 << _chance.Next(6)}";
            await new ImageCreation(_fixture.Graph, "qcow2", "memory:disk").CreateAsync(new OptionsDictionary { ["size"] = (long)LengthBytes, ["cluster_size"] = clusterBytes });
            await OpenAsync();
            await Node.AddBitmapAsync("backup", 512 << _chance.Next(5), isPersistent: true);
            List<Task> actors = [BackUpAsync(), ChangeBitmapsAsync(), DrainAndMoveAsync()];
            for (int i = 0; i < WorkerCount; i++)
            {
                int part = LengthBytes / WorkerCount;
                AioContext home = i % 2 == 0 ? _fixture.Context : _other;
                SeededRandom chance = new(_chance.NextBits());
                int start = i * part;
                actors.Add(home.RunAsync(() => WorkAsync(home, chance, start, start + part)));
            }

            await Task.WhenAll(actors);
            await ConcludeAsync();
        });
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "every node is closed");
        return _fixture.World.EventHash;
    }

    public void Dispose() => _fixture.Dispose();

    private async Task OpenAsync() => _backend = await _fixture.OpenAsync("driver=qcow2,node-name=top,discard=unmap,file.driver=memory,file.filename=disk,file.latency-ns-max=30000");

    private async Task WorkAsync(AioContext home, SeededRandom chance, int start, int end)
    {
        for (int i = 0; i < RequestCount; i++)
        {
            int offset = start + chance.Next(end - start);
            byte[] bytes = new byte[1 + chance.Next(Math.Min(9000, end - offset))];
            Array.Fill(bytes, (byte)(chance.OneIn(4) ? 0 : chance.Next(256)));
            await (bytes[0] == 0 ? _backend.WriteZeroesAsync(offset, bytes.Length, RequestFlags.MayUnmap) : _backend.WriteAsync(offset, bytes));
            bytes.CopyTo(_model, offset);
            await home.DelayAsync(chance.NextLong(80_000));
        }

        Interlocked.Decrement(ref _workingCount);
    }

    // What the bitmap says is copied while a successor follows writes; now and then that fails.
    private async Task BackUpAsync()
    {
        while (Volatile.Read(ref _workingCount) > 0)
        {
            await _fixture.Context.DelayAsync(_chance.NextLong(300_000));
            DirtyBitmap bitmap = Node.GetBitmap("backup");
            await Node.CreateBitmapSuccessorAsync(bitmap);
            bool fails = _chance.OneIn(3);
            await CopyAsync(bitmap, fails ? LengthBytes / 2 : LengthBytes);
            await (fails ? Node.ReclaimBitmapAsync(bitmap) : Node.AbdicateBitmapAsync(bitmap));
        }
    }

    private async Task CopyAsync(DirtyBitmap bitmap, long end)
    {
        for (long at = 0; at < end && bitmap.TryFindDirty(at, end - at, 16 << 10, out long start, out long length); at = start + length)
        {
            await _backend.ReadAsync(start, _backup.AsMemory((int)start, (int)length));
        }
    }

    private async Task ChangeBitmapsAsync()
    {
        for (int i = 0; Volatile.Read(ref _workingCount) > 0; i++)
        {
            await _fixture.Context.DelayAsync(_chance.NextLong(200_000));
            switch (_chance.Next(4))
            {
                case 0:
                    await Node.AddBitmapAsync($"b{i}", 512 << _chance.Next(8), isPersistent: _chance.OneIn(2), isEnabled: _chance.OneIn(2));
                    break;
                case 1 when Others().FirstOrDefault() is { } oldest:
                    await Node.RemoveBitmapAsync(oldest.Name!);
                    break;
                case 2 when Others().Count() > 1:
                    await Node.MergeBitmapsAsync(Others().First().Name!, [Others().Last()]);
                    break;
                default:
                    await Node.StoreBitmapsAsync();
                    break;
            }
        }
    }

    private IEnumerable<DirtyBitmap> Others() => Node.Bitmaps.Named.Where(static bitmap => bitmap.Name != "backup");

    private async Task DrainAndMoveAsync()
    {
        bool isAway = false;
        while (Volatile.Read(ref _workingCount) > 0)
        {
            await _fixture.Context.DelayAsync(100_000 + _chance.NextLong(300_000));
            if (_chance.OneIn(2))
            {
                await using (await DrainScope.BeginAsync(Node, DrainReach.Subtree))
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
        string[] kept = [.. Node.Bitmaps.Named.Where(static bitmap => bitmap.IsPersistent).Select(static bitmap => bitmap.Name!).Order(StringComparer.Ordinal)];
        await _backend.DisposeAsync();
        await OpenAsync();
        Assert.That(Node.Bitmaps.Named.Select(static bitmap => bitmap.Name).Order(StringComparer.Ordinal), Is.EqualTo(kept), "the bitmaps that the image keeps");
        DirtyBitmap bitmap = Node.GetBitmap("backup");
        Assert.That(bitmap.IsInconsistent, Is.False, "it was closed");
        await CopyAsync(bitmap, LengthBytes);
        Assert.That(_backup.AsSpan().SequenceEqual(_model), Is.True, "the backup is the image");
        Assert.That((await _backend.CheckAsync(new BlockCore.DriverModel.ImageCheckRequest())) is { CorruptionCount: 0, LeakCount: 0 }, Is.True, "nothing contradicts itself");
        await _backend.DisposeAsync();
    }
}
