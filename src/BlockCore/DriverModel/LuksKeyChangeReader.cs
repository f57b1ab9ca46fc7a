using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>Reads how the key slots of a LUKS volume are to change, whichever format it lies in. <i>QEMU: QCryptoBlockAmendOptionsLUKS.</i></summary>
public static class LuksKeyChangeReader
{
    private const string StateKey = "state";
    private const string NewSecretKey = "new-secret";
    private const string OldSecretKey = "old-secret";
    private const string SlotKey = "keyslot";
    private const string IterTimeKey = "iter-time";
    private const string Active = "active";
    private const string Inactive = "inactive";

    /// <summary>The options.</summary>
    /// <param name="prefix">What stands before their names.</param>
    public static IReadOnlyList<OptionDefinition> Define(string prefix) =>
    [
        new OptionDefinition(prefix + StateKey, OptionType.String, "Select new state of affected keyslots (active/inactive)"),
        new OptionDefinition(prefix + NewSecretKey, OptionType.String, "New secret to set in the matching keyslots. Empty string to erase"),
        new OptionDefinition(prefix + OldSecretKey, OptionType.String, "Select all keyslots that match this password"),
        new OptionDefinition(prefix + SlotKey, OptionType.Integer, "Select a single keyslot to modify explicitly"),
        new OptionDefinition(prefix + IterTimeKey, OptionType.Integer, "Time to spend in PBKDF in milliseconds"),
    ];

    /// <summary>Reads them. The passphrases are the caller's.</summary>
    /// <param name="graph">Where the secrets are.</param>
    /// <param name="options">Where the options are.</param>
    /// <param name="prefix">What stands before their names.</param>
    /// <param name="isForced">What would lose all data may be done.</param>
    /// <exception cref="BlockException">A value is malformed, they make no sense together, or there is no such secret.</exception>
    public static LuksKeyChange Read(NodeGraph graph, OptionReader options, string prefix, bool isForced)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        string state = options.GetString(prefix + StateKey) ?? throw new BlockException($"Parameter '{StateKey}' is missing");
        if (state is not (Active or Inactive))
        {
            throw new BlockException($"Parameter '{StateKey}' does not accept value '{state}'");
        }

        string? newId = options.GetString(prefix + NewSecretKey);
        string? oldId = options.GetString(prefix + OldSecretKey);
        LuksKeyChange change = new()
        {
            IsActivating = state == Active,
            Slot = options.GetIntegerOrNull(prefix + SlotKey),
            IterTimeMs = LuksFormatReader.ReadIterTime(options, prefix),
            IsForced = isForced,
        };

        // Before secrets are looked for: an empty name of one that must not be given is refused for that.
        LuksKeyChange.Check(change.IsActivating, newId is not null, oldId is not null, change.IterTimeMs is not null, change.Slot);
        KeyMaterial? newPassphrase = newId is null ? null : SecretObject.CopyOfText(graph, newId);
        try
        {
            return change with { NewPassphrase = newPassphrase, OldPassphrase = oldId is null ? null : SecretObject.CopyOfText(graph, oldId) };
        }
        catch
        {
            newPassphrase?.Dispose();
            throw;
        }
    }
}
