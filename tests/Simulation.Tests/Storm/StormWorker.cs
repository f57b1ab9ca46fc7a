using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// Reads and writes one region of a disk from one context, and knows what every byte of it must be. Its choices come from its own
/// chance, so that they do not depend on the order of anything.
/// </summary>
internal sealed class StormWorker(StormWorld world, StormDisk disk, AioContext home, int seed)
{
    private const int RegionBytes = 9_001;
    private const int KindCount = 21;
    private const int SectorBytes = 512;

    /// <summary>What a worker does, by the names that it is counted under.</summary>
    public static readonly string[] Kinds = ["read", "read that copies", "copy range", "write", "write with FUA", "write zeroes", "discard", "flush", "status", CancelKind];

    private const string CancelKind = "cancel a request";

    private readonly SeededRandom _chance = new(unchecked((ulong)seed));
    private readonly (int Start, StormModel Model) _region = disk.AddRegion(RegionBytes);
    private byte _nextByte = unchecked((byte)seed);

    public async Task RunAsync(int requestCount)
    {
        for (int i = 0; i < requestCount; i++)
        {
            int offset = _chance.Next(RegionBytes - 1);
            int length = 1 + _chance.Next(Math.Min(RegionBytes - offset, _chance.OneIn(5) ? RegionBytes : 700));
            int kind = _chance.Next(KindCount);
            if (_chance.OneIn(3) && length > 1)
            {
                // Two at once, side by side: with padding they meet in one block.
                int half = length / 2;
                await Task.WhenAll(RequestAsync(kind, offset, half), RequestAsync(_chance.Next(KindCount), offset + half, length - half));
                i++;
            }
            else
            {
                await RequestAsync(kind, offset, length);
            }

            await world.PauseAsync(home, _chance, 60_000);
        }
    }

    private Task RequestAsync(int kind, int offset, int length) => kind switch
    {
        < 8 => ReadAsync(offset, length),
        < 14 => WriteAsync(offset, length),
        < 16 => ZeroAsync(offset, length),
        < 17 => DiscardAsync(offset, length),
        20 => CopyAsync(offset, length),
        < 19 => FlushAsync(),
        _ => CountedAsync("status", null, async cancel => await disk.Backend.GetStatusAsync(_region.Start + offset, length, cancel: cancel), 0, []),
    };

    private Task<StormOutcome> WriteAsync(int offset, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, unchecked(++_nextByte));
        RequestFlags flags = Flags();
        return CountedAsync(flags == RequestFlags.Fua ? "write with FUA" : "write", RequestKind.Write, cancel => disk.Device.WriteAsync(_region.Start + offset, Cut(bytes), flags, cancel), offset, bytes);
    }

    private Task<StormOutcome> ZeroAsync(int offset, int length) =>
        CountedAsync("write zeroes", RequestKind.WriteZeroes, cancel => disk.Device.WriteZeroesAsync(_region.Start + offset, length, Flags(), cancel), offset, new byte[length]);

    // What is read is what the first half holds; the second half holds it when it is copied there.
    private async Task CopyAsync(int offset, int length)
    {
        // Drivers copy whole blocks, and others are asked in vain.
        int start = (SectorBytes - (_region.Start + offset) % SectorBytes) % SectorBytes;
        int half = (length - start) / 2;
        if (half >= SectorBytes && _chance.OneIn(2))
        {
            offset += start;
            half -= half % SectorBytes;
        }

        if (half > 0 && await ReadAsync(offset, half) is { } source)
        {
            await CountedAsync(
                "copy range",
                RequestKind.Write,
                async cancel =>
                {
                    await disk.Backend.CopyRangeAsync(_region.Start + offset, disk.Backend, _region.Start + offset + half, half, RequestFlags.NoFallback | Flags(), cancel);
                    disk.Count(RequestKind.Read, half);
                },
                offset + half,
                source);
        }
    }

    private async Task<byte[]?> ReadAsync(int offset, int length)
    {
        byte[] read = new byte[length];
        RequestFlags flags = _chance.OneIn(4) ? RequestFlags.CopyOnRead : RequestFlags.None;
        StormOutcome outcome = await CountedAsync(
            flags == RequestFlags.None ? "read" : "read that copies", RequestKind.Read, cancel => disk.Device.ReadAsync(_region.Start + offset, Cut(read), flags, cancel), 0, [], length);
        if (outcome == StormOutcome.Done)
        {
            world.Expect(_region.Model.Settle(offset, read) is not { } wrong ? null : $"disk '{disk.Name}', region at {_region.Start}: {wrong}");
            return read;
        }

        return null;
    }

    private async Task FlushAsync()
    {
        StormDurability durability = new(world, disk);
        StormOutcome outcome = await CountedAsync("flush", RequestKind.Flush, cancel => disk.Device.FlushAsync(cancel), 0, []);
        world.Expect(outcome == StormOutcome.Done ? durability.Finding() : null);
    }

    // What is let go of may read as zeros afterwards, or as before.
    private Task<StormOutcome> DiscardAsync(int offset, int length)
    {
        _region.Model.SetUncertain(offset, new byte[length]);
        return CountedAsync("discard", RequestKind.Discard, cancel => disk.Device.DiscardAsync(_region.Start + offset, length, cancel), 0, [], length);
    }

    private async Task<StormOutcome> CountedAsync(string kind, RequestKind? accountedAs, Func<CancellationToken, ValueTask> request, int offset, byte[] written, int lengthBytes = 0)
    {
        StormOutcome outcome = StormOutcome.Done;
        using CancellationTokenSource cancellation = new();
        Task canceller = _chance.OneIn(10) ? CancelAsync(cancellation) : Task.CompletedTask;
        world.Cancellations.Add(cancellation);
        try
        {
            await request(cancellation.Token);
            _region.Model.Set(offset, written);
            if (accountedAs is { } accounted)
            {
                disk.Count(accounted, Math.Max(lengthBytes, written.Length));
            }
        }
        catch (BlockException error) when (IsRefusal(error))
        {
            outcome = StormOutcome.Refused;
            if (disk.StopsOnErrors)
            {
                // It may have failed halfway, have been kept, and be refused at its second attempt.
                _region.Model.SetUncertain(offset, written);
            }
        }
        catch (OperationCanceledException)
        {
            outcome = StormOutcome.Refused;
            _region.Model.SetUncertain(offset, written);
            world.Expect(cancellation.IsCancellationRequested ? null : $"disk '{disk.Name}': a {kind} was cancelled by nobody");
            world.Tally.Add(CancelKind, StormOutcome.Done);
        }
        catch (BlockException error)
        {
            outcome = StormOutcome.Failed;
            _region.Model.SetUncertain(offset, written);
            world.Expect(disk.HasFaults ? null : $"disk '{disk.Name}': {kind} failed without a fault: {error.Message}");
        }

        world.Expect(home.IsHome ? null : $"a {kind} went on away from home");
        world.Tally.Add(kind, outcome);
        world.Cancellations.Remove(cancellation);
        await canceller;
        return outcome;
    }

    // Somewhen on the request's way, or too late.
    private async Task CancelAsync(CancellationTokenSource cancellation)
    {
        await home.DelayAsync(_chance.NextLong(40_000));
        Cancel(cancellation);
    }

    // Here and now: what happens on a thread of the pool would not be the seed's.
    private static void Cancel(CancellationTokenSource cancellation) => cancellation.Cancel();

    // Before it had an effect: the backend is empty, or may not write for now, or the drivers cannot copy.
    private static bool IsRefusal(BlockException error) => error.Kind is BlockErrorKind.NoMedium or BlockErrorKind.NotPermitted or BlockErrorKind.NotSupported;

    private RequestFlags Flags() => _chance.OneIn(6) ? RequestFlags.Fua : RequestFlags.None;

    private IoVector Cut(byte[] bytes)
    {
        if (bytes.Length < 3 || !_chance.OneIn(3))
        {
            return bytes;
        }

        int cut = 1 + _chance.Next(bytes.Length - 1);
        return new IoVector(new IoSegments(bytes.AsMemory(0, cut), bytes.AsMemory(cut)));
    }
}
