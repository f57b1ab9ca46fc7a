using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// The inverse of <see cref="OptionsDictionary.Flatten"/>: splits dotted keys and builds the tree they spell. Two dots
/// are one dot of a name. <i>QEMU: qdict_crumple().</i>
/// </summary>
internal static class DottedKeys
{
    /// <summary>How many levels one key may spell; as deep as JSON may nest.</summary>
    internal const int MaximumNesting = 1024;

    /// <summary>The tree that the keys of <paramref name="flat"/> spell: a dictionary, or a list where all its keys are indices.</summary>
    /// <exception cref="BlockException">A value is a container, or the keys contradict one another.</exception>
    internal static OptionValue Crumple(OptionsDictionary flat)
    {
        foreach ((string key, OptionValue value) in flat)
        {
            if (value is OptionsDictionary or OptionsList)
            {
                throw new BlockException($"Value {key} is not a scalar");
            }
        }

        return CrumpleLevel(flat, 0);
    }

    private static OptionValue CrumpleLevel(OptionsDictionary flat, int depth)
    {
        if (depth > MaximumNesting)
        {
            throw new BlockException($"Keys are nested deeper than {MaximumNesting} levels");
        }

        OptionsDictionary level = [];
        HashSet<string> branches = new(StringComparer.Ordinal);
        foreach ((string key, OptionValue value) in flat)
        {
            Insert(level, branches, key, value);
        }

        foreach (string branch in branches)
        {
            level[branch] = CrumpleLevel((OptionsDictionary)level[branch], depth + 1);
        }

        return IsList(level) ? ToList(level) : level;
    }

    private static void Insert(OptionsDictionary level, HashSet<string> branches, string key, OptionValue value)
    {
        (string name, string? rest) = Split(key);
        bool isBranch = branches.Contains(name);
        if (rest is null ? isBranch : !isBranch && level.ContainsKey(name))
        {
            throw new BlockException("Cannot mix scalar and non-scalar keys");
        }

        if (rest is null)
        {
            level[name] = value;
            return;
        }

        if (branches.Add(name))
        {
            level.Add(name, new OptionsDictionary());
        }

        ((OptionsDictionary)level[name])[rest] = value;
    }

    // The name up to the first single dot, its doubled dots halved, and what follows that dot; null where none does.
    private static (string Name, string? Remainder) Split(string key)
    {
        StringBuilder name = new();
        for (int i = 0; i < key.Length; i++)
        {
            if (key[i] == '.')
            {
                bool isEscaped = i + 1 < key.Length && key[i + 1] == '.';
                if (!isEscaped)
                {
                    return (name.ToString(), key[(i + 1)..]);
                }

                i++;
            }

            name.Append(key[i]);
        }

        return (name.ToString(), null);
    }

    private static bool IsList(OptionsDictionary level)
    {
        int indices = 0;
        long largest = -1;
        foreach (string key in level.Keys)
        {
            if (TryReadIndex(key, out long index))
            {
                largest = indices == 0 ? index : Math.Max(largest, index);
                indices++;
            }
        }

        if (indices == 0)
        {
            return false;
        }

        if (indices != level.Count)
        {
            throw new BlockException("Cannot mix list and non-list keys");
        }

        return largest == indices - 1L
            ? true
            : throw new BlockException($"List indices are not contiguous, saw {indices} elements but {largest} largest index");
    }

    // Signs, leading zeros and white space make an index that IsList counts and ToList then misses: not canonical, hence refused.
    private static bool TryReadIndex(string key, out long index) =>
        long.TryParse(key, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out index);

    private static OptionsList ToList(OptionsDictionary level)
    {
        OptionsList list = [];
        for (int i = 0; i < level.Count; i++)
        {
            list.Add(level.TryGetValue(i.ToString(CultureInfo.InvariantCulture), out OptionValue? item)
                ? item
                : throw new BlockException($"Missing list index {i}"));
        }

        return list;
    }
}
