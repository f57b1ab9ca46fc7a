using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.GraphView;

/// <summary>
/// How wide text is in a sans-serif face, guessed upward: the advance widths of a wide face, so that what is measured here fits whatever face the
/// viewer has.
/// </summary>
internal static class TextWidth
{
    private const int Hundred = 100;
    private const int OtherLetter = 78;
    private const int WideLetter = 110;
    private const int BoldExtra = 11;
    private const char First = ' ';
    private const string Ellipsis = "…";

    // In hundredths of the font size, from the blank to the tilde.
    private static ReadOnlySpan<byte> Widths =>
    [
        32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54,
        100, 69, 69, 70, 77, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50,
        50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
    ];

    /// <summary>The width in pixels, rounded up.</summary>
    public static int Of(string text, int fontSizePx, bool isBold = false)
    {
        int sum = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            sum += Of(rune) + (isBold ? BoldExtra : 0);
        }

        return ((sum * fontSizePx) + Hundred - 1) / Hundred;
    }

    /// <summary>The text, or its two ends with dots between them where it is wider than <paramref name="widthPxMax"/>.</summary>
    public static string Shorten(string text, int fontSizePx, int widthPxMax, bool isBold = false)
    {
        if (Of(text, fontSizePx, isBold) <= widthPxMax)
        {
            return text;
        }

        // What people write is cut between the characters that they see.
        int[] starts = StringInfo.ParseCombiningCharacters(text);
        for (int kept = starts.Length - 1; kept > 1; kept--)
        {
            string shorter = text[..starts[kept / 2]] + Ellipsis + text[starts[starts.Length - (kept - (kept / 2))]..];
            if (Of(shorter, fontSizePx, isBold) <= widthPxMax)
            {
                return shorter;
            }
        }

        return Ellipsis;
    }

    /// <summary>The text in lines no wider than <paramref name="widthPxMax"/>, broken at blanks; a single word may be wider.</summary>
    public static IReadOnlyList<string> Wrap(string text, int fontSizePx, int widthPxMax)
    {
        List<string> lines = [];
        foreach (string word in text.Split(' '))
        {
            if (lines.Count > 0 && Of($"{lines[^1]} {word}", fontSizePx) <= widthPxMax)
            {
                lines[^1] += " " + word;
            }
            else
            {
                lines.Add(word);
            }
        }

        return lines;
    }

    private static int Of(Rune rune)
    {
        if (rune.Value >= First && rune.Value < First + Widths.Length)
        {
            return Widths[rune.Value - First];
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format => 0,
            _ when rune.Value is < 0x1100 or (>= 0x2000 and < 0x2400) => rune.Value is '…' ? Hundred : OtherLetter,
            _ => WideLetter,
        };
    }
}
