using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Tools.Plan;

/// <summary>What the words at the end of a change say a user asks for: <c>read-only</c>, <c>write</c>, <c>resize</c>, <c>may=BITS</c>, <c>share=BITS</c>.</summary>
internal sealed class PermissionWords
{
    private const BlockPermissions Changing = BlockPermissions.Write | BlockPermissions.WriteUnchanged | BlockPermissions.Resize;
    private const BlockPermissions SharedByWriter = BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged;
    private bool _isReadOnly;
    private BlockPermissions _added;
    private BlockPermissions? _required;
    private BlockPermissions? _shared;

    /// <summary>Reads every word that is left.</summary>
    /// <exception cref="BlockException">One of them says nothing of permissions, or nothing together with the others.</exception>
    public static PermissionWords Read(ChangeWords words)
    {
        PermissionWords permissions = new();
        while (!words.IsAtEnd)
        {
            permissions.Add(words, words.Take("a permission"));
        }

        if (permissions._isReadOnly && permissions._added != BlockPermissions.None)
        {
            throw words.Failure($"'read-only' and '{permissions._added.ToText()}' exclude each other");
        }

        return permissions;
    }

    /// <summary>What a new user asks for: to read and write and to be the only writer, where the words do not say otherwise.</summary>
    public PermissionSet OfNewUser() => _isReadOnly
        ? new PermissionSet(_required ?? BlockPermissions.ConsistentRead, _shared ?? BlockPermissions.All)
        : new PermissionSet(_required ?? (BlockPermissions.ConsistentRead | BlockPermissions.Write | _added), _shared ?? SharedByWriter);

    /// <summary>What a user asks for that has asked for <paramref name="old"/> up to now.</summary>
    public PermissionSet ChangedFrom(PermissionSet old)
    {
        BlockPermissions required = _required ?? ((_isReadOnly ? old.Required & ~Changing : old.Required) | _added);
        return new PermissionSet(required, _shared ?? old.Shared);
    }

    private void Add(ChangeWords words, string word)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        switch (equals < 0 ? word : word[..equals])
        {
            case "read-only" when equals < 0:
                _isReadOnly = true;
                break;
            case "write" when equals < 0:
                _added |= BlockPermissions.Write;
                break;
            case "resize" when equals < 0:
                _added |= BlockPermissions.Resize;
                break;
            case "may" when equals > 0:
                _required = ReadBits(words, word, equals);
                break;
            case "share" when equals > 0:
                _shared = ReadBits(words, word, equals);
                break;
            default:
                throw words.Failure($"'{word}' is none of read-only, write, resize, may=BITS, share=BITS");
        }
    }

    private static BlockPermissions ReadBits(ChangeWords words, string word, int equals)
    {
        BlockPermissions bits = BlockPermissions.None;
        foreach (string name in word[(equals + 1)..].Split('+', ','))
        {
            bits |= name switch
            {
                "consistent-read" => BlockPermissions.ConsistentRead,
                "write" => BlockPermissions.Write,
                "write-unchanged" => BlockPermissions.WriteUnchanged,
                "resize" => BlockPermissions.Resize,
                "all" => BlockPermissions.All,
                "none" => BlockPermissions.None,
                _ => throw words.Failure($"'{name}' in '{word}' is none of consistent-read, write, write-unchanged, resize, all, none"),
            };
        }

        return bits;
    }
}
