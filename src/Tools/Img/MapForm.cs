using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;

namespace BlockGraph.Tools.Img;

/// <summary>How a map of an image is printed.</summary>
internal abstract class MapForm(TextWriter output)
{
    /// <summary>Where to.</summary>
    protected TextWriter Output => output;

    /// <summary>Before the first extent.</summary>
    public abstract void Begin();

    /// <summary>The next extent.</summary>
    public abstract void Add(ImageExtent extent);

    /// <summary>There was none: the range is empty, or lies behind the image's end.</summary>
    public abstract void AddNothing(long startBytes);

    /// <summary>Behind the last extent.</summary>
    public abstract void End();
}

/// <summary>A table for a person, of what is stored as it is read.</summary>
internal sealed class MapTable(TextWriter output, bool followsTexts) : MapForm(output)
{
    /// <inheritdoc/>
    public override void Begin() => Output.WriteLine(Row("Offset", "Length", "Mapped to", "File"));

    /// <inheritdoc/>
    public override void Add(ImageExtent extent)
    {
        if (!extent.IsData || extent.IsZero)
        {
            return;
        }

        if (extent.HostOffsetBytes is not { } hostOffset || extent.HostNode is null)
        {
            throw new BlockException(
                BlockErrorKind.NotSupported, followsTexts ? "File contains external, encrypted or compressed clusters." : $"the data at offset {extent.OffsetBytes} is not stored as it is read: --output=json lists it");
        }

        Output.WriteLine(Row(Hex(extent.OffsetBytes), Hex(extent.LengthBytes), Hex(hostOffset), extent.HostNode.ShownFileName));
    }

    /// <inheritdoc/>
    public override void AddNothing(long startBytes)
    {
    }

    /// <inheritdoc/>
    public override void End()
    {
    }

    private static string Row(string offset, string length, string mappedTo, string file) => $"{offset,-16}{length,-16}{mappedTo,-16}{file}";

    // As C prints a number that has a prefix where it is not 0.
    private static string Hex(long value) => value == 0 ? "0" : "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>JSON: one array, an object a line.</summary>
internal sealed class MapJson(TextWriter output) : MapForm(output)
{
    private bool _isOpen;

    /// <inheritdoc/>
    public override void Begin() => Output.Write("[");

    /// <inheritdoc/>
    public override void Add(ImageExtent extent)
    {
        if (_isOpen)
        {
            Output.Write(",\n");
        }

        _isOpen = true;
        Output.Write("{ \"start\": ");
        Write(extent.OffsetBytes);
        Output.Write(", \"length\": ");
        Write(extent.LengthBytes);
        Output.Write(", \"depth\": ");
        Write(extent.Depth);
        Output.Write(extent.IsPresent ? ", \"present\": true" : ", \"present\": false");
        Output.Write(extent.IsZero ? ", \"zero\": true" : ", \"zero\": false");
        Output.Write(extent.IsData ? ", \"data\": true" : ", \"data\": false");
        if (extent.HostOffsetBytes is { } hostOffset)
        {
            Output.Write(", \"offset\": ");
            Write(hostOffset);
        }

        Output.Write('}');
    }

    /// <inheritdoc/>
    public override void AddNothing(long startBytes) => Add(new ImageExtent(startBytes, 0, 0, false, false, false, null, null));

    /// <inheritdoc/>
    public override void End() => Output.Write("]\n");

    // There may be a million lines: not a string each.
    private void Write(long value)
    {
        Span<char> digits = stackalloc char[20];
        bool fits = value.TryFormat(digits, out int length, default, CultureInfo.InvariantCulture);
        Invariant.Check(fits);
        Output.Write(digits[..length]);
    }
}
