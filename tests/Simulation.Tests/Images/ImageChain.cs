using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Simulation.Tests.Images;

/// <summary>
/// One to three images, each the backing file of the next, on disks of a simulated world, and what they read as:
/// <code>l2 (cow) -> l1 (cow) -> l0 (cow or raw)</code>
/// </summary>
internal sealed class ImageChain(GraphFixture fixture, SeededRandom chance)
{
    /// <summary>The length of the longest image, in bytes: a whole number of no cluster.</summary>
    public const int LengthBytesMax = 200_000;

    private const int WriteCount = 12;
    private const int WriteBytesMax = 20_000;
    private readonly List<(string Name, string Format)> _layers = [];

    /// <summary>What the image on top reads as.</summary>
    public byte[] Model { get; private set; } = [];

    /// <summary>How many images there are.</summary>
    public int Count => _layers.Count;

    /// <summary>The image on top.</summary>
    public string Top => _layers[^1].Name;

    /// <summary>The name by which a header refers to an image.</summary>
    public string FileNameOf(int layer) => $"faulty:{_layers[layer].Name}";

    /// <summary>The format of an image.</summary>
    public string FormatOf(int layer) => _layers[layer].Format;

    /// <summary>Makes the images and fills them.</summary>
    public async Task MakeAsync(int count)
    {
        for (int layer = 0; layer < count; layer++)
        {
            // An overlay may be longer than what is under it, and no cluster of the one is one of the other.
            int length = layer == count - 1 ? LengthBytesMax : LengthBytesMax - chance.Next(50_000);
            string format = layer == 0 && chance.OneIn(3) ? "raw" : "cow";
            Put($"l{layer}", format, length, layer == 0 ? null : FileNameOf(layer - 1), layer == 0 ? null : FormatOf(layer - 1));
            _layers.Add(($"l{layer}", format));
            byte[] model = new byte[length];
            Model.AsSpan(0, Math.Min(length, Model.Length)).CopyTo(model);
            Model = model;
            await using BlockBackend backend = await OpenAsync(layer);
            await FillAsync(backend, model);
        }
    }

    /// <summary>Makes an image with nothing in it.</summary>
    public void Put(string name, string format, int lengthBytes, string? backing = null, string? backingFormat = null)
    {
        _ = fixture.Faulty.Disk(name);
        if (format == "raw")
        {
            fixture.Memory.Storage(name).Replace(new byte[lengthBytes]);
            return;
        }

        CowImage.Format(
            fixture.Memory.Storage(name),
            new CowImageOptions(lengthBytes) { ClusterBytes = 512 << chance.Next(8), LengthBytesMax = 2 * LengthBytesMax, BackingFileName = backing, BackingFormat = backingFormat });
    }

    /// <summary>Opens an image with all that is under it.</summary>
    public Task<BlockBackend> OpenAsync(int layer, bool isReadOnly = false) => OpenAsync(_layers[layer].Name, _layers[layer].Format, isReadOnly);

    /// <summary>Opens an image with all that its header names.</summary>
    public Task<BlockBackend> OpenAsync(string name, string format, bool isReadOnly = false) =>
        fixture.OpenAsync($"driver={format},file.driver=faulty,file.filename={name},file.any-context={(chance.OneIn(2) ? "on" : "off")}", new BackendOptions { ReadOnly = isReadOnly });

    /// <summary>Writes here and there, and keeps account of it.</summary>
    public async Task FillAsync(BlockBackend backend, byte[] model)
    {
        for (int i = 0; i < WriteCount; i++)
        {
            int length = 1 + chance.Next(WriteBytesMax);
            int offset = chance.Next(model.Length - length);
            Span<byte> place = model.AsSpan(offset, length);
            place.Fill(chance.OneIn(3) ? (byte)0 : (byte)(1 + chance.Next(255)));
            await (place[0] == 0 && chance.OneIn(2)
                ? backend.WriteZeroesAsync(offset, length, RequestFlags.None, CancellationToken.None)
                : backend.WriteAsync(offset, model.AsMemory(offset, length)));
        }
    }

    /// <summary>Everything that an image reads as.</summary>
    public static async Task<byte[]> ReadAsync(BlockBackend backend)
    {
        byte[] bytes = new byte[backend.LengthBytes];
        await backend.ReadAsync(0, bytes);
        return bytes;
    }
}
