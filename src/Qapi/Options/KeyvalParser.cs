using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// Reads <c>key=value,…</c> into a tree: dots in keys nest, keys that are all indices make a list, <c>,,</c> in a value
/// is a comma, and of equal keys the last wins. All values are text. <i>QEMU: keyval_parse().</i>
/// </summary>
public static class KeyvalParser
{
    /// <summary>The longest fragment of a key, in characters.</summary>
    public const int MaximumFragmentLength = 127;

    /// <summary>How many fragments a key may have; as deep as JSON may nest.</summary>
    public const int MaximumNesting = JsonOptions.MaximumNesting;

    /// <summary>The tree in <paramref name="text"/>, where nobody could answer a request for help.</summary>
    /// <param name="text">The option string.</param>
    /// <param name="impliedKey">The key of a first item that is a bare value; null where none may be.</param>
    /// <exception cref="BlockException">The text is malformed or contradicts itself, or asks for help.</exception>
    public static OptionsDictionary Parse(string text, string? impliedKey = null)
    {
        OptionsDictionary options = Parse(text, impliedKey, out bool isHelpWanted);
        return isHelpWanted ? throw new BlockException("Help is not available for this option") : options;
    }

    /// <summary>The tree in <paramref name="text"/>, and whether an item is a bare <c>help</c> or <c>?</c>.</summary>
    /// <param name="text">The option string.</param>
    /// <param name="impliedKey">The key of a first item that is a bare value; null where none may be.</param>
    /// <param name="isHelpWanted">True where help is asked for; the tree then holds the other items.</param>
    /// <exception cref="BlockException">The text is malformed or contradicts itself.</exception>
    public static OptionsDictionary Parse(string text, string? impliedKey, out bool isHelpWanted)
    {
        ArgumentNullException.ThrowIfNull(text);
        isHelpWanted = false;
        OptionsDictionary root = [];
        OptionStringScanner scanner = new(text);
        for (bool isFirst = true; !scanner.IsAtEnd; isFirst = false)
        {
            string key = scanner.TakeName();
            bool hasValue = scanner.TakeEquals();
            if (!hasValue && key is "help" or "?")
            {
                isHelpWanted = true;
            }
            else if (isFirst && impliedKey is not null && !hasValue && key.Length > 0)
            {
                Insert(root, impliedKey, key);
            }
            else
            {
                Insert(root, key, hasValue ? scanner.TakeEscapedValue : null);
            }

            scanner.TakeComma();
        }

        return (OptionsDictionary)WithLists(root, "");
    }

    /// <summary>Both trees as one: lists join, dictionaries merge, and of two scalars that of <paramref name="newcomer"/> wins.</summary>
    /// <exception cref="BlockException">A key has values of two kinds. Neither tree is changed.</exception>
    public static OptionsDictionary Merge(OptionsDictionary existing, OptionsDictionary newcomer)
    {
        ArgumentNullException.ThrowIfNull(existing);
        ArgumentNullException.ThrowIfNull(newcomer);
        return Merge(existing, newcomer, "");
    }

    private static OptionsDictionary Merge(OptionsDictionary existing, OptionsDictionary newcomer, string prefix)
    {
        OptionsDictionary merged = existing.Clone();
        foreach ((string key, OptionValue value) in newcomer)
        {
            merged[key] = existing.TryGetValue(key, out OptionValue? old) ? MergeValues(old, value, prefix + key) : value;
        }

        return merged;
    }

    private static OptionValue MergeValues(OptionValue old, OptionValue value, string name) => (old, value) switch
    {
        (OptionsDictionary first, OptionsDictionary second) => Merge(first, second, name + "."),
        (OptionsList first, OptionsList second) => Join(first, second),
        (OptionsDictionary or OptionsList, _) or (_, OptionsDictionary or OptionsList) =>
            throw new BlockException($"Parameter '{name}' used inconsistently"),
        _ => value,
    };

    private static OptionsList Join(OptionsList first, OptionsList second)
    {
        OptionsList joined = [.. first, .. second];
        return joined;
    }

    private static void Insert(OptionsDictionary root, string key, string value) => Insert(root, key, () => value);

    // Fragments are checked and entered from left to right, so that the first mistake is the one reported.
    private static void Insert(OptionsDictionary root, string key, Func<string>? takeValue)
    {
        string[] fragments = Split(key);
        if (fragments.Length > MaximumNesting)
        {
            throw new BlockException($"Parameter '{key}' has more than {MaximumNesting} fragments");
        }

        OptionsDictionary level = root;
        int length = 0;
        for (int i = 0; i < fragments.Length; i++)
        {
            CheckFragment(key, fragments, i);
            if (i > 0)
            {
                level = Enter(level, fragments[i - 1]) ?? throw Inconsistent(key[..length] + ".");
                length++;
            }

            length += fragments[i].Length;
        }

        if (takeValue is null)
        {
            throw new BlockException($"Expected '=' after parameter '{key}'");
        }

        if (level.TryGetValue(fragments[^1], out OptionValue? old) && old is OptionsDictionary)
        {
            throw Inconsistent(key + ".");
        }

        level[fragments[^1]] = takeValue();
    }

    // At every dot, but for those of a vendor's domain name in front of a fragment.
    private static string[] Split(string key)
    {
        List<string> fragments = [];
        int start = 0;
        int dot;
        do
        {
            int vendor = Math.Max(0, OptionName.VendorLength(key.AsSpan(start)));
            dot = key.IndexOf('.', start + vendor);
            fragments.Add(dot < 0 ? key[start..] : key[start..dot]);
            start = dot + 1;
        }
        while (dot >= 0);

        return [.. fragments];
    }

    private static void CheckFragment(string key, string[] fragments, int index)
    {
        string fragment = fragments[index];
        bool isIndex = index > 0 && fragment.Length > 0 && !fragment.AsSpan().ContainsAnyExceptInRange('0', '9');
        if (!isIndex && !OptionName.IsQapiName(fragment))
        {
            throw new BlockException($"Invalid parameter '{key}'");
        }

        if (fragment.Length > MaximumFragmentLength)
        {
            string what = fragments.Length == 1 ? "Parameter" : "Parameter fragment";
            throw new BlockException($"{what} '{fragment}' is too long");
        }
    }

    // The dictionary under the fragment, made where there is none; null where a value is in its place.
    private static OptionsDictionary? Enter(OptionsDictionary level, string fragment)
    {
        if (!level.TryGetValue(fragment, out OptionValue? old))
        {
            level[fragment] = old = new OptionsDictionary();
        }

        return old as OptionsDictionary;
    }

    private static OptionValue WithLists(OptionsDictionary level, string prefix)
    {
        OptionsDictionary converted = [];
        int indices = 0;
        foreach ((string key, OptionValue value) in level)
        {
            converted.Add(key, value is OptionsDictionary child ? WithLists(child, prefix + key + ".") : value);
            indices += char.IsAsciiDigit(key[0]) ? 1 : 0;
        }

        if (indices == 0)
        {
            return converted;
        }

        return indices == converted.Count ? ToList(converted, prefix) : throw Inconsistent(prefix);
    }

    // Two spellings of one index, such as 1 and 01, are one element; the later wins. An index beyond the number of keys
    // cannot be reached without a gap.
    private static OptionsList ToList(OptionsDictionary level, string prefix)
    {
        OptionValue?[] elements = new OptionValue?[level.Count];
        int count = 0;
        foreach ((string key, OptionValue value) in level)
        {
            bool fits = int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < elements.Length;
            if (fits)
            {
                elements[index] = value;
            }

            count = Math.Max(count, fits ? index + 1 : elements.Length + 1);
        }

        OptionsList list = [];
        for (int i = 0; i < count; i++)
        {
            list.Add((i < elements.Length ? elements[i] : null) ?? throw new BlockException($"Parameter '{prefix}{i}' missing"));
        }

        return list;
    }

    private static BlockException Inconsistent(string prefix) => new($"Parameters '{prefix}*' used inconsistently");
}
