using System.Text;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Splits a line of comma-separated values. A field may stand in double quotes, and a quote in it is doubled; white space around a field is not part of it.</summary>
internal static class CsvLine
{
    /// <summary>The separator that <paramref name="header"/> uses: a comma, or where there is none a semicolon or tab.</summary>
    public static char SeparatorOf(string header) =>
        header.Contains(',', StringComparison.Ordinal) ? ',' : header.Contains(';', StringComparison.Ordinal) ? ';' : header.Contains('\t', StringComparison.Ordinal) ? '\t' : ',';

    /// <summary>Splits <paramref name="line"/> into <paramref name="fields"/>. False where a quote is never closed.</summary>
    public static bool TrySplit(string line, char separator, List<string> fields)
    {
        fields.Clear();
        if (!line.Contains('"', StringComparison.Ordinal))
        {
            foreach (Range part in line.AsSpan().Split(separator))
            {
                fields.Add(line.AsSpan()[part].Trim().ToString());
            }

            return true;
        }

        StringBuilder field = new();
        bool isQuoted = false;
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            if (isQuoted && c == '"' && i + 1 < line.Length && line[i + 1] == '"')
            {
                field.Append(line[++i]);
            }
            else if (c == '"')
            {
                isQuoted = !isQuoted;
            }
            else if (c == separator && !isQuoted)
            {
                fields.Add(field.ToString().Trim());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        fields.Add(field.ToString().Trim());
        return !isQuoted;
    }
}
