using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Qcow2.Model;

/// <summary>Random requests to a part of the image that nobody else touches, one after the other; each read must show what the model says.</summary>
internal sealed class ModelWorker(BlockBackend backend, ImageModel model, SeededRandom chance, int clusterBytes, int start, int end)
{
    private const int RequestBytesMax = 12_000;

    /// <summary>Compressed writes are among its requests.</summary>
    public bool Compresses { get; init; } = true;

    /// <summary>Makes requests.</summary>
    public async Task RunAsync(int requestCount)
    {
        for (int i = 0; i < requestCount && end > start; i++)
        {
            int offset = start + chance.Next(end - start);
            int length = 1 + chance.Next(Math.Min(RequestBytesMax, end - offset));
            switch (chance.Next(12))
            {
                case < 3:
                    await ReadAsync(offset, length);
                    break;
                case < 7:
                    await WriteAsync(offset, length, chance.OneIn(6) ? RequestFlags.Fua : RequestFlags.None);
                    break;
                case < 9:
                    await ZeroAsync(offset, length, chance.OneIn(2) ? RequestFlags.MayUnmap : RequestFlags.None);
                    break;
                case 9:
                    await DiscardAsync(offset, length);
                    break;
                case 10 when Compresses:
                    await WriteCompressedAsync(offset);
                    break;
                default:
                    await backend.FlushAsync();
                    break;
            }

            await AioContext.Current!.DelayAsync(chance.NextLong(50_000));
        }
    }

    private async Task ReadAsync(int offset, int length)
    {
        byte[] bytes = new byte[length];
        await backend.ReadAsync(offset, bytes);
        int same = bytes.AsSpan().CommonPrefixLength(model.Now(offset, length));
        Assert.That(same, Is.EqualTo(length), $"a read of {offset}+{length} shows something else at {offset + same}");
    }

    private async Task WriteAsync(int offset, int length, RequestFlags flags)
    {
        byte[] bytes = new byte[length];
        byte first = (byte)chance.Next(256);
        for (int i = 0; i < length; i++)
        {
            bytes[i] = unchecked((byte)(first + (i * 7) + (i >> 8)));
        }

        ModelWrite write = model.Begin(offset, bytes);
        await backend.WriteAsync(offset, bytes, flags);
        model.Complete(write);
    }

    private async Task ZeroAsync(int offset, int length, RequestFlags flags)
    {
        ModelWrite write = model.Begin(offset, new byte[length]);
        await backend.WriteZeroesAsync(offset, length, flags);
        model.Complete(write);
    }

    private async Task DiscardAsync(int offset, int length)
    {
        ModelWrite write = model.Begin(offset, new byte[length]);
        await backend.DiscardAsync(offset, length);
        byte[] actual = new byte[length];
        await backend.ReadAsync(offset, actual);
        Assert.That(model.TryAdopt(write, actual), $"a discard of {offset}+{length} left something else");
    }

    private Task WriteCompressedAsync(int offset)
    {
        int cluster = offset / clusterBytes * clusterBytes;
        return cluster >= start && cluster + clusterBytes <= end ? WriteAsync(cluster, clusterBytes, RequestFlags.WriteCompressed) : Task.CompletedTask;
    }
}
