using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Model;

/// <summary>
/// One life of an image, decided by a seed: its units, its backing node if it has one, many requests at once, snapshots made meanwhile, applied and deleted, other lengths and properties, reopens;
/// and what the file would be without power at moments of it. Whatever is read is what a byte array says.
/// </summary>
internal sealed class ModelRun : IDisposable
{
    private const int WorkerCount = 5;
    private const int RequestCount = 9;
    private const int RoundCount = 9;

    private readonly SeededRandom _chance;
    private readonly GraphFixture _fixture;
    private readonly Qcow2CreateOptions _options;
    private readonly Dictionary<string, ModelState> _snapshots = [];
    private readonly List<(ModelState Model, byte[] Image, string When)> _losses = [];
    private readonly ImageModel _model;
    private readonly bool _isSpread;
    private readonly byte[] _backing = [];
    private BlockBackend _backend = null!;
    private int _lastSnapshot;

    public ModelRun(int seed, bool mayHaveBacking)
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = seed }, [new Qcow2Driver()]);
        _chance = new SeededRandom((ulong)seed);
        _options = RandomOptions();
        _isSpread = _chance.OneIn(2);
        if (mayHaveBacking && _chance.OneIn(2))
        {
            // Of all values but none, so that zeros are seen to be hidden, and what is lost to be lost.
            int length = _chance.OneIn(2) ? (int)_options.LengthBytes : 1 + _chance.Next((int)_options.LengthBytes * 2);
            _backing = [.. Enumerable.Range(0, length).Select(i => (byte)(1 + (i % 255)))];
        }

        _model = new ImageModel([.. _backing.Concat(new byte[_options.LengthBytes]).Take((int)_options.LengthBytes)]);
    }

    /// <summary>The bytes of the file, once it is over.</summary>
    public byte[] Image => Disk.Storage.Bytes;

    /// <summary>The bytes of the image, once it is over.</summary>
    public byte[] Contents => _model.Now(0, _model.Length).ToArray();

    /// <summary>What the seed has chosen.</summary>
    public override string ToString() => $"{_options.LengthBytes} bytes, clusters of 2^{_options.ClusterBits}, counts of 2^{_options.RefcountOrder}, version {_options.Version}, subclusters {_options.HasExtendedL2}, backing {_backing.Length}";

    private string BackingOptions => _backing.Length == 0 ? "" : ",backing.driver=memory,backing.filename=base,backing.read-only=on";

    private FaultyDisk Disk => _fixture.Faulty.Disk("disk");

    /// <summary>Lives it.</summary>
    public void Run() => _fixture.Run(async () =>
    {
        Disk.Storage.Replace(new Qcow2Layout(_options.CreateHeaderArea()).ToArray());
        Disk.DelayNsMax = 20_000;
        _fixture.Memory.Storage("base").Replace(_backing);
        await OpenAsync();
        if (_chance.OneIn(2))
        {
            // While nothing is written yet, and the backing node shows everywhere.
            await ResizeAsync();
            await RequireContentsAsync("at the beginning");
        }

        for (int round = 0; round < RoundCount; round++)
        {
            await WorkAsync(round);
            await ChangeAsync();
            await RequireContentsAsync($"after round {round}");
        }

        await CloseAsync("at the end");
        foreach ((ModelState model, byte[] image, string when) in _losses)
        {
            await RequireAfterPowerLossAsync(model, image, when);
        }
    });

    public void Dispose() => _fixture.Dispose();

    private Qcow2CreateOptions RandomOptions()
    {
        int clusterBits = new[] { 9, 10, 12, 14, 16 }[_chance.Next(5)];
        bool isOld = _chance.OneIn(5);
        return new Qcow2CreateOptions
        {
            LengthBytes = 512 * (40 + _chance.Next(300)),
            ClusterBits = clusterBits,
            Version = isOld ? 2 : 3,
            RefcountOrder = isOld ? 4 : 2 + _chance.Next(5),
            HasExtendedL2 = !isOld && clusterBits >= 14 && _chance.OneIn(2),
            Compression = !isOld && _chance.OneIn(3) ? Qcow2Compression.Zstd : Qcow2Compression.Zlib,
        };
    }

    private async Task OpenAsync()
    {
        string more = _chance.Next(4) switch
        {
            0 => ",l2-cache-size=2048,refcount-cache-size=2048",
            1 => ",pass-discard-other=on,file.discard=unmap",
            2 => ",overlap-check=all,discard-no-unref=on",
            _ => "",
        };
        _backend = await _fixture.OpenAsync($"driver=qcow2,node-name=top,discard=unmap,file.driver=faulty,file.filename=disk{BackingOptions}{more}");
    }

    // Nothing waits to be freed in an image that is closed.
    private async Task CloseAsync(string when)
    {
        await _backend.DisposeAsync();
        ImageAudit audit = ImageAudit.Of(Image);
        Assert.That(audit.Errors.Concat(audit.Leaks).Take(5), Is.Empty, $"closed {when}");
        _model.Flushed();
    }

    private async Task WorkAsync(int round)
    {
        int part = (_model.Length / WorkerCount) | 1;
        List<Task> actors = [];
        for (int i = 0; i < WorkerCount; i++)
        {
            int start = Math.Min(i * part, _model.Length);
            int end = i == WorkerCount - 1 ? _model.Length : Math.Min(start + part, _model.Length);
            ModelWorker worker = new(_backend, _model, new SeededRandom(_chance.NextBits()), 1 << _options.ClusterBits, start, end);

            // Some on threads of their own, so to speak: the image's home is another's.
            actors.Add(_isSpread ? _fixture.ContextOf($"worker{i % 3}").RunAsync(() => worker.RunAsync(RequestCount)) : worker.RunAsync(RequestCount));
        }

        if (_chance.OneIn(2))
        {
            actors.Add(CreateSnapshotMeanwhileAsync());
        }

        actors.Add(LosePowerNowAndThenAsync(round));
        await Task.WhenAll(actors);
        if (_chance.OneIn(2))
        {
            await _backend.FlushAsync();
            _model.Flushed();
        }
    }

    private async Task LosePowerNowAndThenAsync(int round)
    {
        for (int i = 0; i < 2; i++)
        {
            await AioContext.Current!.DelayAsync(_chance.NextLong(400_000));
            _losses.Add((_model.AfterPowerLoss(), Disk.BytesAfterPowerLoss(_chance), $"without power in round {round}"));
        }
    }

    private async Task CreateSnapshotMeanwhileAsync()
    {
        await AioContext.Current!.DelayAsync(_chance.NextLong(200_000));
        ModelState state = _model.Present();
        int begun = _model.WriteCount;
        string name = $"s{++_lastSnapshot}";
        try
        {
            await _backend.CreateSnapshotAsync(new ImageSnapshot("", name));
            _snapshots[name] = state with { Writes = [.. state.Writes, .. _model.WritesSince(begun)] };
        }
        catch (BlockException error) when (error.Message.Contains("refcount_bits", StringComparison.Ordinal))
        {
            // Counts of four bits have room for some snapshots only.
        }
    }

    private Task ChangeAsync() => _chance.Next(7) switch
    {
        0 => CreateSnapshotMeanwhileAsync(),
        1 => ApplyAsync(),
        2 => DeleteAsync(),
        3 => ResizeAsync(),
        4 => AmendAsync(),
        5 => ReopenAsync(),
        _ => Task.CompletedTask,
    };

    private string? AnySnapshot() => _snapshots.Count == 0 ? null : _snapshots.Keys.Order(StringComparer.Ordinal).ElementAt(_chance.Next(_snapshots.Count));

    private ImageSnapshot Find(string name) => _backend.Root!.Instance.Snapshots!.All.Single(snapshot => snapshot.Name == name);

    private async Task ApplyAsync()
    {
        if (AnySnapshot() is { } name)
        {
            await _backend.ApplySnapshotAsync(Find(name));
            byte[] bytes = await ReadAllAsync();
            Assert.That(_snapshots[name].Difference(bytes), Is.Null, $"snapshot {name}");
            _snapshots[name] = new ModelState(bytes, []);
            _model.Replace((byte[])bytes.Clone());
        }
    }

    private async Task DeleteAsync()
    {
        if (AnySnapshot() is { } name)
        {
            await _backend.DeleteSnapshotAsync(Find(name));
            _snapshots.Remove(name);
        }
    }

    private async Task ResizeAsync()
    {
        int length = 512 * (20 + _chance.Next(400));
        bool isGrowth = length > _model.Length;
        if (_options.Version >= 3 || (_snapshots.Count == 0 && !(isGrowth && _model.Length < _backing.Length)))
        {
            await _backend.TruncateAsync(length, preallocation: isGrowth ? Enum.GetValues<PreallocationMode>()[_chance.Next(4)] : PreallocationMode.Off);
            await _backend.FlushAsync();
            _model.Replace(_model.Resized(length));
        }
    }

    private async Task AmendAsync()
    {
        if (_options.Version >= 3)
        {
            try
            {
                await _backend.AmendAsync(new OptionsDictionary { ["refcount_bits"] = 4L << _chance.Next(5) });
            }
            catch (BlockException error) when (error.Message.Contains("Cannot decrease refcount entry width", StringComparison.Ordinal))
            {
                // Nothing has changed.
            }
        }
    }

    private async Task ReopenAsync()
    {
        await CloseAsync("in between");
        await OpenAsync();
        Assert.That(_backend.Root!.Instance.Snapshots!.All.Select(static snapshot => snapshot.Name).Order(StringComparer.Ordinal), Is.EqualTo(_snapshots.Keys.Order(StringComparer.Ordinal)), "the snapshots after opening again");
    }

    private async Task RequireContentsAsync(string when)
    {
        byte[] bytes = await ReadAllAsync();
        Assert.That(_model.Present().Difference(bytes), Is.Null, when);
    }

    private async Task<byte[]> ReadAllAsync()
    {
        byte[] bytes = new byte[_backend.LengthBytes];
        await _backend.ReadAsync(0, bytes);
        return bytes;
    }

    private async Task RequireAfterPowerLossAsync(ModelState model, byte[] image, string when)
    {
        Assert.That(ImageAudit.Of(image).Errors.Take(5), Is.Empty, when);
        _fixture.Memory.Storage("copy").Replace(image);
        await using BlockBackend backend = await _fixture.OpenAsync($"driver=qcow2,file.driver=memory,file.filename=copy{BackingOptions}");
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        Assert.That(model.Difference(bytes), Is.Null, when);
    }
}
