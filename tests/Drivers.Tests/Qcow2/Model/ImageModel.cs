namespace BlockGraph.Drivers.Tests.Qcow2.Model;

/// <summary>What every byte of an image must be, and what it could be after a loss of power or in a snapshot that was made while writes were under way.</summary>
internal sealed class ImageModel
{
    private readonly List<ModelWrite> _sinceFlush = [];
    private byte[] _now;
    private byte[] _durable;

    /// <summary>An image that shows <paramref name="bytes"/>.</summary>
    public ImageModel(byte[] bytes)
    {
        _now = bytes;
        _durable = (byte[])bytes.Clone();
    }

    /// <summary>How long the image is.</summary>
    public int Length => _now.Length;

    /// <summary>What a part of the image holds.</summary>
    public ReadOnlySpan<byte> Now(int offset, int length) => _now.AsSpan(offset, length);

    /// <summary>A write begins.</summary>
    public ModelWrite Begin(int offset, byte[] bytes)
    {
        ModelWrite write = new(offset, bytes);
        _sinceFlush.Add(write);
        return write;
    }

    /// <summary>It has completed.</summary>
    public void Complete(ModelWrite write)
    {
        write.Bytes.CopyTo(_now, write.Offset);
        write.IsComplete = true;
    }

    /// <summary>It may have had an effect or none, byte by byte: <paramref name="actual"/> is what is there. False where that is neither.</summary>
    public bool TryAdopt(ModelWrite write, byte[] actual)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            if (actual[i] != _now[write.Offset + i] && actual[i] != write.Bytes[i])
            {
                return false;
            }
        }

        actual.CopyTo(_now, write.Offset);
        write.IsComplete = true;
        return true;
    }

    /// <summary>Everything is durable, and nothing under way.</summary>
    public void Flushed()
    {
        _durable = (byte[])_now.Clone();
        _sinceFlush.Clear();
    }

    /// <summary>The image is another: it was made longer or shorter, or a snapshot was applied. It is durable.</summary>
    public void Replace(byte[] bytes)
    {
        _now = bytes;
        Flushed();
    }

    /// <summary>What it holds, longer by zeros or shorter.</summary>
    public byte[] Resized(int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        _now.AsSpan(0, Math.Min(lengthBytes, _now.Length)).CopyTo(bytes);
        return bytes;
    }

    /// <summary>What the image could be after a loss of power now.</summary>
    public ModelState AfterPowerLoss() => new((byte[])_durable.Clone(), [.. _sinceFlush]);

    /// <summary>What the image is, with what is under way.</summary>
    public ModelState Present() => new((byte[])_now.Clone(), [.. _sinceFlush.Where(static write => !write.IsComplete)]);

    /// <summary>How many writes have begun since the last flush.</summary>
    public int WriteCount => _sinceFlush.Count;

    /// <summary>The writes that have begun since there were <paramref name="count"/>.</summary>
    public IEnumerable<ModelWrite> WritesSince(int count) => _sinceFlush.Skip(count);
}

/// <summary>One write.</summary>
internal sealed class ModelWrite(int offset, byte[] bytes)
{
    /// <summary>Where.</summary>
    public int Offset { get; } = offset;

    /// <summary>What.</summary>
    public byte[] Bytes { get; } = bytes;

    /// <summary>It is over.</summary>
    public bool IsComplete { get; set; }
}

/// <summary>What an image may hold: each byte is a known one, or that of one of some writes.</summary>
internal sealed record ModelState(byte[] Bytes, List<ModelWrite> Writes)
{
    /// <summary>Where <paramref name="actual"/> is what it may not be, or null.</summary>
    public string? Difference(byte[] actual)
    {
        if (actual.Length != Bytes.Length)
        {
            return $"{actual.Length} bytes, not {Bytes.Length}";
        }

        for (int i = 0; i < actual.Length; i++)
        {
            if (actual[i] != Bytes[i] && !Writes.Exists(write => i >= write.Offset && i < write.Offset + write.Bytes.Length && write.Bytes[i - write.Offset] == actual[i]))
            {
                return $"byte {i} is 0x{actual[i]:x2}, not 0x{Bytes[i]:x2} and nothing that was written there";
            }
        }

        return null;
    }
}
