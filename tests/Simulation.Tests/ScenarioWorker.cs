using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>
/// Reads and writes a part of the image that no other worker touches, and knows what every byte of it must be. Its choices come
/// from its own chance, so that they do not depend on the order of anything.
/// </summary>
internal sealed class ScenarioWorker(ScenarioGraph graph, ScenarioWatch watch, AioContext home, int seed, int start, byte[] model)
{
    private readonly SeededRandom _chance = new((ulong)seed);
    private byte _nextByte = unchecked((byte)seed);

    public async Task RunAsync(int requestCount)
    {
        for (int i = 0; i < requestCount; i++)
        {
            int offset = _chance.Next(model.Length);
            int length = Math.Min(model.Length - offset, _chance.OneIn(4) ? _chance.Next(model.Length) : _chance.Next(700));
            int kind = _chance.Next(20);
            if (_chance.OneIn(3) && length > 1)
            {
                // Two at once, side by side: with padding they meet in one block.
                int half = length / 2;
                await Task.WhenAll(RequestAsync(kind, offset, half), RequestAsync(_chance.Next(20), offset + half, length - half));
            }
            else
            {
                await RequestAsync(kind, offset, length);
            }

            await home.DelayAsync(_chance.NextLong(100_000));
        }
    }

    private async Task RequestAsync(int kind, int offset, int length)
    {
        byte[] after = model.AsSpan(offset, length).ToArray();
        try
        {
            switch (kind)
            {
                case < 8:
                    await ReadAsync(offset, length);
                    return;
                case < 14:
                    Array.Fill(after, unchecked(++_nextByte));
                    await watch.WriteAsync(() => graph.Backend.WriteAsync(start + offset, Cut(after)));
                    break;
                case < 17:
                    Array.Clear(after);
                    await graph.Backend.WriteZeroesAsync(start + offset, length);
                    break;
                case < 19:
                    DiscardIn(after, offset);
                    await graph.Backend.DiscardAsync(start + offset, length);
                    break;
                default:
                    await graph.Backend.FlushAsync();
                    return;
            }

            after.CopyTo(model, offset);
        }
        catch (BlockException) when (watch.HasFaults)
        {
            AdoptAfterFailure(offset, after);
        }

        Assert.That(home.IsHome, Is.True, "a request continues where it was made");
    }

    private async Task ReadAsync(int offset, int length)
    {
        byte[] read = new byte[length];
        await graph.Backend.ReadAsync(start + offset, Cut(read));
        if (!read.AsSpan().SequenceEqual(model.AsSpan(offset, length)))
        {
            Assert.That(read, Is.EqualTo(model.AsSpan(offset, length).ToArray()), $"read {start + offset}+{length}");
        }
    }

    // Whole blocks read as zeros afterwards; the image's start is aligned in the storage.
    private void DiscardIn(byte[] bytes, int offset)
    {
        int alignment = graph.AlignmentBytes;
        int from = (start + offset + alignment - 1) / alignment * alignment;
        int to = (start + offset + bytes.Length) / alignment * alignment;
        if (to > from)
        {
            bytes.AsSpan(from - start - offset, to - from).Clear();
        }
    }

    // A failed request of several pieces may have done some: each byte is the old one or the new one.
    private void AdoptAfterFailure(int offset, byte[] after)
    {
        ReadOnlySpan<byte> stored = graph.Storage.Bytes.AsSpan(graph.ShiftBytes + start + offset, after.Length);
        for (int i = 0; i < after.Length; i++)
        {
            if (stored[i] != model[offset + i] && stored[i] != after[i])
            {
                Assert.Fail($"after a failure byte {start + offset + i} is neither the old nor the new one");
            }
        }

        stored.CopyTo(model.AsSpan(offset));
    }

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
