using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Prints one JSON value whose members keep the order they are written in.</summary>
internal static class JsonLines
{
    /// <summary>Prints what <paramref name="write"/> writes, and a line end.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="isIndented">A line per member, or everything on one line.</param>
    /// <param name="write">Writes one value.</param>
    public static void Print(TextWriter output, bool isIndented, Action<Utf8JsonWriter> write)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes, new JsonWriterOptions { Indented = isIndented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
        {
            write(writer);
        }

        output.WriteLine(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }
}
