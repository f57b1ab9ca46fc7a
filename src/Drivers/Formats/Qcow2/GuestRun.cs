namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What the image has for a piece of the guest: all of one kind, and lying together.</summary>
/// <param name="Kind">Which kind.</param>
/// <param name="LengthBytes">How long the piece is.</param>
/// <param name="HostOffset">Where its first byte lies, of data; of other kinds where it would lie if its cluster is taken already, or 0.</param>
/// <param name="Entry">The entry of its first cluster.</param>
internal readonly record struct GuestRun(SubclusterKind Kind, long LengthBytes, long HostOffset, L2Entry Entry)
{
    /// <summary>It can be written where it is.</summary>
    public bool IsInPlace => Kind == SubclusterKind.Data && Entry.IsCopied;
}
