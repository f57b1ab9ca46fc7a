using System.Globalization;

namespace BlockGraph.TestKit.Drawing;

/// <summary>A drawing cannot be read: says where, what was expected there, and shows the line.</summary>
public sealed class DrawingException : Exception
{
    internal DrawingException(int line, int column, string problem, string text)
        : base(string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}: {problem}\n  {text}\n  {new string(' ', column - 1)}^"))
    {
        Line = line;
        Column = column;
    }

    /// <summary>The line, the first being 1.</summary>
    public int Line { get; }

    /// <summary>The column, the first being 1.</summary>
    public int Column { get; }
}
