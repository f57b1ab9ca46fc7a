using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// An untyped tree of options in the order they were given. The graph works on the flat form (<see cref="Flatten"/>):
/// <c>file.filename</c> is one key. <i>QEMU: QDict.</i>
/// </summary>
public sealed class OptionsDictionary : OptionValue, IEnumerable<KeyValuePair<string, OptionValue>>
{
    private readonly OrderedDictionary<string, OptionValue> _entries = new(StringComparer.Ordinal);

    /// <summary>How many keys there are at this level.</summary>
    public int Count => _entries.Count;

    /// <summary>The keys at this level, in the order they were given.</summary>
    public IEnumerable<string> Keys => _entries.Keys;

    /// <summary>The value under <paramref name="key"/>; setting replaces it in place, or appends.</summary>
    public OptionValue this[string key]
    {
        get => _entries[key];
        set => _entries[key] = value;
    }

    /// <summary>True where <paramref name="key"/> is present at this level.</summary>
    public bool ContainsKey(string key) => _entries.ContainsKey(key);

    /// <summary>The value under <paramref name="key"/>, if present.</summary>
    public bool TryGetValue(string key, [NotNullWhen(true)] out OptionValue? value) => _entries.TryGetValue(key, out value);

    /// <summary>Appends <paramref name="key"/>; used by collection initialisers. The key must be new.</summary>
    public void Add(string key, OptionValue value) => _entries.Add(key, value);

    /// <summary>Removes <paramref name="key"/>; false where it was absent.</summary>
    public bool Remove(string key) => _entries.Remove(key);

    /// <summary>Removes <paramref name="key"/> and returns what it held, or null.</summary>
    public OptionValue? Take(string key) => _entries.Remove(key, out OptionValue? value) ? value : null;

    /// <summary>The text under <paramref name="key"/>, or null where it is absent or a container.</summary>
    public string? GetText(string key) => _entries.TryGetValue(key, out OptionValue? value) ? value.AsText : null;

    /// <summary>Sets <paramref name="key"/> unless it is present already.</summary>
    public void SetDefault(string key, OptionValue value) => _entries.TryAdd(key, value);

    /// <summary>A copy of this level; values are immutable or shared.</summary>
    public OptionsDictionary Clone()
    {
        OptionsDictionary copy = [];
        foreach ((string key, OptionValue value) in _entries)
        {
            copy.Add(key, value);
        }

        return copy;
    }

    /// <summary>True where this flat dictionary and <paramref name="other"/> have the same keys with the same values, spelt the same; the order does not count.</summary>
    public bool HasSameTexts(OptionsDictionary other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Count == other.Count && _entries.All(e => other.TryGetValue(e.Key, out OptionValue? value) && e.Value.AsText == value.AsText);
    }

    /// <summary>
    /// Joins nested dictionaries and lists into dotted keys: <c>{"file":{"driver":"null-co"}}</c> becomes
    /// <c>file.driver=null-co</c>. Empty containers stay as values. A later spelling of the same key wins.
    /// </summary>
    public OptionsDictionary Flatten()
    {
        OptionsDictionary flat = [];
        FlattenInto(flat, null, this);
        return flat;
    }

    /// <summary>
    /// The inverse of <see cref="Flatten"/>: dotted keys become nested dictionaries, and lists where all keys of a level
    /// are indices (so the result is a list where this dictionary's own are). Two dots are one dot of a name.
    /// </summary>
    /// <exception cref="Errors.BlockException">A value is a container, or the keys contradict one another.</exception>
    public OptionValue Crumple() => DottedKeys.Crumple(this);

    /// <summary>Moves every key that begins with <paramref name="prefix"/> (such as <c>file.</c>) out of this flat dictionary into one of its own, without the prefix.</summary>
    public OptionsDictionary ExtractSubdictionary(string prefix)
    {
        OptionsDictionary part = [];
        foreach (string key in _entries.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).ToArray())
        {
            part[key[prefix.Length..]] = _entries[key];
            _entries.Remove(key);
        }

        return part;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, OptionValue>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // The prefix is null at the root only: an empty name is a name too.
    private static void FlattenInto(OptionsDictionary flat, string? prefix, OptionValue value)
    {
        switch (value)
        {
            case OptionsDictionary { Count: > 0 } dictionary:
                foreach ((string key, OptionValue item) in dictionary)
                {
                    FlattenInto(flat, prefix is null ? key : prefix + "." + key, item);
                }

                break;
            case OptionsList { Count: > 0 } list:
                for (int i = 0; i < list.Count; i++)
                {
                    FlattenInto(flat, prefix + "." + i.ToString(CultureInfo.InvariantCulture), list[i]);
                }

                break;
            default:
                if (prefix is not null)
                {
                    flat[prefix] = value;
                }

                break;
        }
    }
}
