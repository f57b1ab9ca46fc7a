using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>How a backend uses its root node.</summary>
public sealed record BackendOptions
{
    /// <summary>The backend's name, by which commands find it; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>Ask for no write permission.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Ask for permission to change the length.</summary>
    public bool CanResize { get; init; }

    /// <summary>Whether other writers are tolerated; null: as the graph's profile says.</summary>
    public bool? ShareWrite { get; init; }

    /// <summary>The image is opened to be checked, and maybe mended: what is wrong with it does not keep it from being opened, if a check can tell of it.</summary>
    public bool ForCheck { get; init; }

    /// <summary>Exactly these permissions, instead of what the other members add up to.</summary>
    public PermissionSet? Permissions { get; init; }

    /// <summary>Follow the root node to another context, whoever asks for it; otherwise only the backend's own user moves it.</summary>
    public bool AllowsContextChange { get; init; }

    /// <summary>Hold requests back while the root node is drained. Off for a user that stops by itself when it hears of the drain, as a job does.</summary>
    public bool QueuesWhileDrained { get; init; } = true;

    /// <summary>
    /// The image is only to be looked at: nobody reads or writes it. A driver may then leave out what only that needs, such as a passphrase. <i>QEMU: BDRV_O_NO_IO.</i>
    /// </summary>
    public bool IsForInformation { get; init; }

    /// <summary>Copy what is read from backing nodes into the root node. <i>QEMU: copy-on-read.</i></summary>
    public bool CopyOnRead { get; init; }

    /// <summary>What a device in front does about reads that fail. <i>QEMU: rerror.</i></summary>
    public BlockErrorPolicy ReadErrorPolicy { get; init; } = BlockErrorPolicy.Report;

    /// <summary>What it does about any other request that fails. <i>QEMU: werror.</i></summary>
    public BlockErrorPolicy WriteErrorPolicy { get; init; } = BlockErrorPolicy.Enospc;

    /// <summary>Whether requests that fail count in times: the total, the idle time, the intervals. <i>QEMU: stats-account-failed.</i></summary>
    public bool AccountsFailed { get; init; } = true;

    /// <summary>Whether requests that are refused at the door end an idle time. <i>QEMU: stats-account-invalid.</i></summary>
    public bool AccountsInvalid { get; init; } = true;

    /// <summary>Over which stretches of time latencies are summed up, in nanoseconds; several at once, or none. <i>QEMU: stats-intervals, which are in seconds.</i></summary>
    public IReadOnlyList<long> IntervalLengthsNs { get; init; } = [];

    /// <summary>The limits that the device has from the start; null for none. <i>QEMU: throttling.*</i></summary>
    public BackendThrottling? Throttling { get; init; }

    /// <summary>
    /// Takes what is about the device out of <paramref name="options"/>, nested or flat: <c>id</c>, <c>copy-on-read</c>, <c>throttling.*</c> and its old names. What is left
    /// opens the medium. <i>QEMU: blockdev_init().</i>
    /// </summary>
    /// <exception cref="BlockException">A value is malformed, or the limits contradict one another.</exception>
    public static BackendOptions TakeFrom(OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionReader reader = new(options, new OptionSchema(
            new OptionDefinition("id", OptionType.String, "the device's name"),
            new OptionDefinition("copy-on-read", OptionType.Boolean, "copy what is read from a backing file into the image") { Default = "off" }));
        return new BackendOptions { Name = reader.GetString("id"), CopyOnRead = reader.GetBoolean("copy-on-read"), Throttling = BackendThrottling.TakeFrom(options) };
    }

    internal PermissionSet ToPermissions(bool profileSharesWrite)
    {
        if (Permissions is { } exact)
        {
            return exact;
        }

        BlockPermissions required = BlockPermissions.ConsistentRead;
        if (!ReadOnly)
        {
            required |= BlockPermissions.Write;
        }

        if (CanResize)
        {
            required |= BlockPermissions.Resize;
        }

        bool sharesWrite = ShareWrite ?? (profileSharesWrite || ReadOnly);
        return new PermissionSet(required, sharesWrite ? BlockPermissions.All : BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged);
    }
}
