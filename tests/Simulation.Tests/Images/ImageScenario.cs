using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Images;

/// <summary>
/// One work on a whole image that a seed chooses: an <see cref="ImageChain"/> is converted, committed, rebased or compared, with any options, while requests complete in any order. A disk
/// may fail in the middle, or the work be cancelled: then the chain reads as before, and the work can be done again.
/// </summary>
internal sealed class ImageScenario : IDisposable
{
    private const int FaultAtMax = 60;
    private const string Target = "target";

    private readonly GraphFixture _fixture;
    private readonly SeededRandom _chance;
    private readonly ImageChain _chain;
    private string _what = "";

    // Where the work is cancelled: at that report of how far it is.
    private int _cancelAt;

    public ImageScenario(int seed)
    {
        _fixture = new GraphFixture(new SimulationOptions { Seed = seed }, [new RawDriver()]);
        _chance = new SeededRandom(unchecked((ulong)seed * 0x2545F4914F6CDD1D));
        _chain = new ImageChain(_fixture, _chance);
    }

    /// <summary>Runs the scenario of <paramref name="seed"/>.</summary>
    /// <exception cref="AssertionException">There is a finding; the message names the seed.</exception>
    public static ImageWorkResult Run(int seed)
    {
        try
        {
            using ImageScenario scenario = new(seed);
            return scenario.Run();
        }
        catch (Exception error)
        {
            throw new AssertionException($"seed {seed}: {error.Message}", error);
        }
    }

    public void Dispose() => _fixture.Dispose();

    private ImageWorkResult Run()
    {
        ImageWorkResult result = default;
        _fixture.Run(async () => result = await RunAsync());
        Assert.That(_fixture.Graph.Nodes, Is.Empty, $"{_what}: every node is closed");
        Assert.That(_fixture.Memory.Storages.Select(storage => storage.OpenCount), Has.All.Zero, $"{_what}: every disk is closed");
        return result;
    }

    private async Task<ImageWorkResult> RunAsync()
    {
        ImageWork work = (ImageWork)_chance.Next(4);
        await _chain.MakeAsync(work is ImageWork.Commit or ImageWork.Rebase ? 2 + _chance.Next(2) : 1 + _chance.Next(3));
        Func<Task> body = work switch
        {
            ImageWork.Convert => Convert(),
            ImageWork.Commit => Commit(),
            ImageWork.Rebase => await RebaseAsync(),
            _ => await CompareAsync(),
        };
        int trouble = _chance.Next(3);
        string[] disks = [.. Enumerable.Range(0, _chain.Count).Select(layer => $"l{layer}"), Target];
        foreach (string disk in disks)
        {
            _fixture.Faulty.Disk(disk).DelayNsMax = _chance.Next(100_000);
        }

        if (trouble == 1)
        {
            FaultyDisk disk = _fixture.Faulty.Disk(disks[_chance.Next(disks.Length)]);
            disk.TearsWrites = _chance.OneIn(2);
            disk.FailNth(1 + _chance.Next(FaultAtMax), null, _chance.OneIn(2) ? BlockErrorKind.NoSpace : BlockErrorKind.InputOutput, isSticky: _chance.OneIn(2));
        }

        _cancelAt = trouble == 2 ? 1 + _chance.Next(FaultAtMax) : 0;
        _what = $"{_what}, trouble {trouble}";
        bool hasFailed = false;
        bool isCancelled = false;
        try
        {
            await body();
        }
        catch (BlockException) when (trouble == 1)
        {
            hasFailed = true;
        }
        catch (OperationCanceledException) when (trouble == 2)
        {
            isCancelled = true;
        }

        Array.ForEach(disks, disk => _fixture.Faulty.Disk(disk).Heal());
        _cancelAt = 0;
        await CheckChainAsync();
        if (hasFailed || isCancelled)
        {
            await body();
            await CheckChainAsync();
        }

        return new ImageWorkResult(work, hasFailed, isCancelled);
    }

    private CancelAtReport Begin() => new(_cancelAt);

    private async Task CheckChainAsync()
    {
        await using BlockBackend top = await _chain.OpenAsync(_chain.Count - 1, isReadOnly: true);
        AssertEqual(await ImageChain.ReadAsync(top), _chain.Model, "the chain reads as before");
    }

    private void AssertEqual(byte[] actual, byte[] expected, string text)
    {
        int common = actual.AsSpan().CommonPrefixLength(expected);
        Assert.That(common, Is.EqualTo(Math.Max(expected.Length, actual.Length)), $"{_what}: {text}; the first difference");
    }

    private Func<Task> Convert()
    {
        // What the target's backing file has is not copied: it must be the source's.
        bool hasBacking = _chain.Count > 1 && _chance.OneIn(2);
        string format = hasBacking || _chance.OneIn(2) ? "cow" : "raw";
        ImageConversionOptions options = new()
        {
            RequestCount = 1 + _chance.Next(12),
            ChunkBytes = _chance.OneIn(4) ? null : 512 << _chance.Next(8),
            WritesOutOfOrder = _chance.OneIn(2),
            OffloadsCopies = _chance.OneIn(4),
            TargetIsNew = hasBacking || _chance.OneIn(2),
            TargetHasBacking = hasBacking,
            SparseBytesMin = hasBacking ? 512 : _chance.OneIn(4) ? 0 : 512L << _chance.Next(6),
            MoreContexts = [.. new[] { "one", "two", "three" }.Take(_chance.Next(4)).Select(_fixture.ContextOf)],
        };
        bool moves = _chance.OneIn(3);
        _what = $"convert to {format}, {options}{(moves ? ", from another context" : "")}";
        return async () =>
        {
            _chain.Put(Target, format, ImageChain.LengthBytesMax, hasBacking ? _chain.FileNameOf(_chain.Count - 2) : null, hasBacking ? _chain.FormatOf(_chain.Count - 2) : null);
            CancelAtReport progress = Begin();
            await using BlockBackend source = await _chain.OpenAsync(_chain.Count - 1, isReadOnly: true);
            await using BlockBackend target = await _chain.OpenAsync(Target, format);
            if (moves)
            {
                await source.MoveAsync(_fixture.ContextOf("four"));
            }

            ImageConversionResult result = await ImageConversion.RunAsync([source], target, options, progress, progress.Token);
            AssertEqual(await ImageChain.ReadAsync(target), _chain.Model, "the target reads as the source");
            Assert.That(hasBacking || result.DataBytes + result.ZeroBytes == _chain.Model.Length, Is.True, $"{_what}: every byte was one or the other");
        };
    }

    private Func<Task> Commit()
    {
        int below = 1 + _chance.Next(_chain.Count - 1);
        int target = _chain.Count - 1 - below;
        int moreCount = _chance.Next(3);
        ImageCommitOptions options = new() { KeepsTop = _chance.OneIn(2), MoreContexts = [.. new[] { "one", "two" }.Take(moreCount).Select(_fixture.ContextOf)] };
        _what = $"commit l{_chain.Count - 1} to l{target}, {options}, {moreCount} more contexts";
        return async () =>
        {
            CancelAtReport progress = Begin();
            await using (BlockBackend top = await _chain.OpenAsync(_chain.Count - 1))
            {
                BlockNode node = top.Root!;
                for (int i = 0; i < below; i++)
                {
                    node = node.CowChild!.Node;
                }

                await ImageCommit.RunAsync(top, node, options, progress, progress.Token);
            }

            await using BlockBackend committed = await _chain.OpenAsync(target, isReadOnly: true);
            AssertEqual(await ImageChain.ReadAsync(committed), _chain.Model, "the base reads as the overlay");
        };
    }

    // To one of which some is the same, to the one below the next, or to none.
    private async Task<Func<Task>> RebaseAsync()
    {
        string? name = null;
        string? format = null;
        if (_chance.OneIn(3))
        {
            (name, format) = (Target, _chance.OneIn(2) ? "cow" : "raw");
            int length = ImageChain.LengthBytesMax - _chance.Next(70_000);
            _chain.Put(name, format, length);
            await using BlockBackend other = await _chain.OpenAsync(name, format);
            await other.WriteAsync(0, _chain.Model.AsMemory(0, length));
            await _chain.FillAsync(other, new byte[length]);
        }
        else if (_chain.Count > 2 && _chance.OneIn(2))
        {
            (name, format) = ("l0", _chain.FormatOf(0));
        }

        _what = $"rebase of {_chain.Count} to {name ?? "none"}";
        return async () =>
        {
            CancelAtReport progress = Begin();
            await using BlockBackend top = await _chain.OpenAsync(_chain.Count - 1);
            BlockBackend? backing = name is null ? null : await _chain.OpenAsync(name, format!, isReadOnly: true);
            await using (backing)
            {
                await ImageRebase.CopyDifferenceAsync(top, backing, progress, progress.Token);
            }

            await top.FlushAsync();
            await ImageRebase.ChangeHeaderAsync(top, name is null ? null : $"faulty:{name}", format);
        };
    }

    private async Task<Func<Task>> CompareAsync()
    {
        byte[] copy = [.. _chain.Model];
        int? changedAt = _chance.OneIn(2) ? _chance.Next(copy.Length) : null;
        if (changedAt is { } offset)
        {
            copy[offset] ^= 1;
        }

        _chain.Put(Target, "raw", copy.Length);
        await using (BlockBackend filled = await _chain.OpenAsync(Target, "raw"))
        {
            await filled.WriteAsync(0, copy);
        }

        _what = $"compare, changed at {changedAt}";
        return async () =>
        {
            CancelAtReport progress = Begin();
            await using BlockBackend first = await _chain.OpenAsync(_chain.Count - 1, isReadOnly: true);
            await using BlockBackend second = await _chain.OpenAsync(Target, "raw", isReadOnly: true);
            ImageComparisonResult result = await ImageComparison.RunAsync(first, second, null, progress, progress.Token);
            Assert.That(result.IsEqual, Is.EqualTo(changedAt is null), $"{_what}: what is found");
        };
    }
}
